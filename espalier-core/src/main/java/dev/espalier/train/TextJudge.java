package dev.espalier.train;

import dev.espalier.data.CausalEncoder;
import dev.espalier.data.EncodedExample;
import dev.espalier.data.Example;
import dev.espalier.data.Target;
import dev.espalier.evaluate.ChoiceScores;
import dev.espalier.evaluate.Scores;
import dev.espalier.evaluate.TextScores;
import dev.espalier.generate.Generator;
import dev.espalier.generate.Prompt;
import dev.espalier.generate.SamplingOptions;
import dev.espalier.generate.StopTokens;
import dev.espalier.model.DecoderModel;
import dev.espalier.model.SequenceGuide;
import dev.espalier.text.TextTokenizer;
import java.nio.file.Path;
import java.util.ArrayList;
import java.util.List;
import java.util.Optional;
import org.slf4j.Logger;
import org.slf4j.LoggerFactory;

/**
 * Judges a causal language model by what it is used for: which of several texts it finds likeliest (the sum over the
 * tokens' logarithmic probabilities), and what it writes.
 *
 * @param folder the model's
 * @param guide is asked by the examples' places
 */
record TextJudge(
        DecoderModel model,
        Path folder,
        TextTokenizer tokenizer,
        CausalEncoder encoder,
        Evaluator evaluator,
        AdaptedTask task,
        SequenceGuide guide) {
    private static final Logger LOG = LoggerFactory.getLogger(TextJudge.class);

    /**
     * Adds what can be said of {@code examples}.
     *
     * @param newTokens tokens of an answer at most; 0 to write none
     */
    Evaluation extend(Evaluation evaluation, List<Example> examples, int newTokens) {
        var extended = choices(examples).map(evaluation::with).orElse(evaluation);
        return newTokens == 0
                ? extended
                : responses(examples, newTokens).map(extended::with).orElse(extended);
    }

    /** How often the right candidate is the likeliest; empty where no example is a choice. */
    private Optional<Scores> choices(List<Example> examples) {
        var candidates = new ArrayList<EncodedExample>();
        var starts = new ArrayList<Integer>();
        var rights = new ArrayList<Integer>();
        var places = new ArrayList<Integer>();
        for (int place = 0; place < examples.size(); place++) {
            if (examples.get(place).target() instanceof Target.Choice choice) {
                starts.add(candidates.size());
                rights.add(choice.right());
                for (var candidate : encoder.candidates(0, examples.get(place))) {
                    candidates.add(candidate.withId(candidates.size()));
                    places.add(place);
                }
            }
        }
        if (rights.isEmpty()) {
            return Optional.empty();
        }
        var answers = evaluator.guided(guide.at(places)).answer(task, candidates);
        int right = 0;
        for (int i = 0; i < rights.size(); i++) {
            int end = i + 1 < starts.size() ? starts.get(i + 1) : answers.size();
            right += likeliest(answers.subList(starts.get(i), end)) == rights.get(i) ? 1 : 0;
        }
        return Optional.of(new ChoiceScores(right, rights.size()));
    }

    private static int likeliest(List<float[]> candidates) {
        int best = 0;
        for (int i = 1; i < candidates.size(); i++) {
            if (logarithm(candidates.get(i)) > logarithm(candidates.get(best))) {
                best = i;
            }
        }
        return best;
    }

    /** The sum of what stands at even places; see {@link dev.espalier.model.Judged#answers}. */
    private static double logarithm(float[] answer) {
        double sum = 0;
        for (int i = 0; i < answer.length; i += 2) {
            sum += answer[i];
        }
        return sum;
    }

    /** What is written against what was asked; empty where no example asks for a response. */
    private Optional<Scores> responses(List<Example> examples, int newTokens) {
        var template = task.causalLm().template(folder);
        var prompts = new ArrayList<Prompt>();
        var truth = new ArrayList<String>();
        var places = new ArrayList<Integer>();
        int tooLong = 0;
        for (int place = 0; place < examples.size(); place++) {
            var example = examples.get(place);
            if (example.target() instanceof Target.Response response) {
                var prompt = encoder.prompt(example.input(), example.origin());
                if (prompt.length >= model.maxTokens()) {
                    tooLong++;
                    continue;
                }
                prompts.add(new Prompt(prompts.size(), prompt, template.isEmpty()));
                truth.add(response.message().content());
                places.add(place);
            }
        }
        if (tooLong > 0) {
            LOG.warn(
                    "{} of {} prompts of task '{}' leave no room for an answer in the model's context and are left out",
                    tooLong,
                    tooLong + prompts.size(),
                    task.name());
        }
        if (prompts.isEmpty()) {
            return Optional.empty();
        }
        var stops = template.map(chat -> StopTokens.of(folder, tokenizer, chat))
                .orElseGet(() -> StopTokens.of(folder, tokenizer));
        var options = SamplingOptions.builder()
                .maxNewTokens(newTokens)
                .stopTokens(stops)
                .build();
        var generated = new Generator(model, tokenizer, options)
                .generate(prompts, guide.at(places), Generator.Listener.NONE).stream()
                        .map(answer -> answer.text())
                        .toList();
        return Optional.of(TextScores.of(truth, generated));
    }
}
