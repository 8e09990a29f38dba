using Tessera.Framework.Running;

namespace Tessera.Framework.Hooks;

/// <summary>A hook that saves what an evaluation gave, or what it would have lost.</summary>
internal interface ISavesEvaluations
{
    /// <summary>After an evaluation, once all hooks have seen it and put back what they had changed.</summary>
    void SaveEvaluation(RunState run);

    /// <summary>After an evaluation that failed.</summary>
    /// <returns>The checkpoint of the training up to here; null where there is none.</returns>
    string? SaveDespite(RunState run);
}
