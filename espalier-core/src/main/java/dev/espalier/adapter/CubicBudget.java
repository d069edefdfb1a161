package dev.espalier.adapter;

import dev.espalier.error.InputException;

/**
 * A budget that falls as AdaLoRA's does, by a cubic from all to the target: nothing happens in the first steps, then the
 * budget is applied at every so many steps, and in the last steps it stays.
 *
 * @param initialSteps the last step of the beginning, PEFT's {@code tinit}
 * @param finalSteps steps at the end, PEFT's {@code tfinal}
 * @param interval steps from one allocation to the next, PEFT's {@code deltaT}
 */
public record CubicBudget(int initialSteps, int finalSteps, int interval) {
    public CubicBudget {
        Checks.notNegative("initial-steps", initialSteps);
        Checks.notNegative("final-steps", finalSteps);
        Checks.positive("interval", interval);
    }

    /** @throws InputException if no step is left between beginning and end */
    void require(int steps) {
        if (initialSteps >= steps - finalSteps) {
            throw new InputException("A run of " + steps + " steps has no room between initial-steps " + initialSteps
                    + " and final-steps " + finalSteps + "; lower them, or train for longer.");
        }
    }

    /** The step of the last allocation. */
    int last(int steps) {
        return steps - finalSteps;
    }

    /** Whether {@code step}, from 0, is one of allocation. */
    boolean allocates(int step, int steps) {
        return step == last(steps) || step > initialSteps && step < last(steps) && step % interval == 0;
    }

    /** The budget at {@code step}: {@code all} at the beginning, {@code target} at the end, whole numbers between. */
    int at(int step, int steps, int all, int target) {
        if (step <= initialSteps) {
            return all;
        }
        double left = Math.max(0, 1 - (step - initialSteps) / (double) (last(steps) - initialSteps));
        return (int) ((all - target) * (left * left * left) + target);
    }
}
