using Tessera.Framework.Models;

namespace Tessera.Models.TaskModels;

/// <summary>How the masks of a mask transformer's attention are given up.</summary>
internal sealed class MaskAnnealing
{
    private readonly MaskAnnealingOptions _options;
    private readonly int _blocks;

    /// <param name="blocks">That have masks.</param>
    /// <exception cref="UserErrorException">There are not as many steps as blocks, or an end lies before its start.</exception>
    public MaskAnnealing(string model, MaskAnnealingOptions options, int blocks)
    {
        (_options, _blocks) = (options, blocks);
        if (options.StartSteps is null != options.EndSteps is null)
            throw new UserErrorException($"{model}: mask_annealing takes start_steps and end_steps together, or neither.");
        foreach (var (name, steps) in new[] { ("start_steps", options.StartSteps), ("end_steps", options.EndSteps) })
            if (steps is not null && (steps.Length != blocks || steps.Any(step => step < 0)))
                throw new UserErrorException(
                    $"{model}: mask_annealing.{name} has [{string.Join(", ", steps)}]; num_blocks is {blocks}, so {blocks} steps, 0 or "
                        + "more, were expected."
                );
        for (var i = 0; options.StartSteps is not null && i < blocks; i++)
            if (options.EndSteps![i] < options.StartSteps[i])
                throw new UserErrorException(
                    $"{model}: mask_annealing of block {i} ends at step {options.EndSteps[i]}, before it starts at {options.StartSteps[i]}."
                );
    }

    /// <summary>The share of queries that have a mask in each block.</summary>
    /// <returns>[blocks], in [0, 1].</returns>
    public float[] At(Progress progress)
    {
        var shares = new float[_blocks];
        for (var i = 0; i < _blocks; i++)
        {
            var part = progress.TotalIterations / (double)(_blocks + 2);
            var (start, end) = _options.StartSteps is { } starts ? (starts[i], _options.EndSteps![i]) : ((i + 1) * part, (i + 2) * part);
            shares[i] =
                progress.Iteration < start ? 1
                : progress.Iteration >= end ? 0
                : (float)Math.Pow(1 - ((progress.Iteration - start) / (end - start)), _options.Power);
        }
        return shares;
    }
}
