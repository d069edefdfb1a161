package dev.espalier.cli;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import org.junit.jupiter.api.Test;

/** Recipes are below commands, and only the entry and the second interrupt end the process. */
class ArchitectureTest {
    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.espalier");

    @Test
    void recipesDoNotKnowTheCommands() {
        noClasses()
                .that()
                .resideInAPackage("dev.espalier.cli.recipe")
                .should()
                .dependOnClassesThat()
                .resideInAPackage("dev.espalier.cli")
                .check(CLASSES);
    }

    @Test
    void theLibraryDoesNotKnowTheCommandLine() {
        noClasses()
                .that()
                .resideOutsideOfPackage("dev.espalier.cli..")
                .should()
                .dependOnClassesThat()
                .resideInAnyPackage(
                        "dev.espalier.cli..", "picocli..", "me.tongfei..", "ch.qos.logback..", "org.jline..")
                .check(CLASSES);
    }

    @Test
    void onlyTheEntryEndsTheProcess() {
        noClasses()
                .that()
                .doNotHaveSimpleName("Main")
                .should()
                .callMethod(System.class, "exit", int.class)
                .check(CLASSES);
        noClasses()
                .that()
                .doNotHaveSimpleName("Interrupts")
                .should()
                .callMethod(Runtime.class, "halt", int.class)
                .check(CLASSES);
    }
}
