using Tessera.Framework.Data;
using Tessera.Framework.Models;

namespace Tessera.Framework.Hooks;

/// <summary>A hook that sees what the run's evaluations predict.</summary>
public interface IObservesPredictions
{
    /// <summary>After each batch of an evaluation, between <see cref="Hook.BeforeEvaluation"/> and its end; this process's samples
    /// alone.</summary>
    /// <param name="predictions">One for each sample, in order.</param>
    /// <param name="samples">As the evaluation's pipeline leaves them.</param>
    void Observe(RunState run, IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples);
}
