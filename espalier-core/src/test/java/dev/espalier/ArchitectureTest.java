package dev.espalier;

import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.classes;
import static com.tngtech.archunit.lang.syntax.ArchRuleDefinition.noClasses;
import static com.tngtech.archunit.library.dependencies.SlicesRuleDefinition.slices;

import com.tngtech.archunit.core.domain.JavaClasses;
import com.tngtech.archunit.core.importer.ClassFileImporter;
import com.tngtech.archunit.core.importer.ImportOption;
import com.tngtech.archunit.library.Architectures;
import java.util.List;
import org.junit.jupiter.api.Test;

/** Packages point one way: each may use those before it in {@link #LAYERS} only. */
class ArchitectureTest {
    private static final List<String> LAYERS = List.of(
            "error",
            "json",
            "allocation",
            "tensor",
            "importance",
            "checkpoint",
            "text",
            "data",
            "model",
            "routing",
            "kernel",
            "optim",
            "adapter",
            "generate",
            "evaluate",
            "merge",
            "report",
            "train",
            "route",
            "study");

    private static final JavaClasses CLASSES = new ClassFileImporter()
            .withImportOption(new ImportOption.DoNotIncludeTests())
            .importPackages("dev.espalier");

    @Test
    void eachPackageUsesOnlyThoseBelow() {
        var rule = Architectures.layeredArchitecture().consideringOnlyDependenciesInLayers();
        for (var layer : LAYERS) {
            rule = rule.layer(layer).definedBy("dev.espalier." + layer + "..");
        }
        for (int i = 0; i < LAYERS.size(); i++) {
            var above = LAYERS.subList(i + 1, LAYERS.size()).toArray(String[]::new);
            rule = above.length == 0
                    ? rule.whereLayer(LAYERS.get(i)).mayNotBeAccessedByAnyLayer()
                    : rule.whereLayer(LAYERS.get(i)).mayOnlyBeAccessedByLayers(above);
        }
        rule.check(CLASSES);
    }

    @Test
    void everyPackageIsALayer() {
        classes()
                .that()
                .resideInAPackage("dev.espalier..")
                .should()
                .resideInAnyPackage(LAYERS.stream()
                        .map(layer -> "dev.espalier." + layer + "..")
                        .toArray(String[]::new))
                .check(CLASSES);
    }

    @Test
    void packagesFormNoCycles() {
        slices().matching("dev.espalier.(**)").should().beFreeOfCycles().check(CLASSES);
    }

    @Test
    void theLibraryNeitherPrintsNorExits() {
        noClasses().should().callMethod(System.class, "exit", int.class).check(CLASSES);
        noClasses().should().accessField(System.class, "out").check(CLASSES);
        noClasses().should().accessField(System.class, "err").check(CLASSES);
    }
}
