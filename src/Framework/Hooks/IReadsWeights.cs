namespace Tessera.Framework.Hooks;

/// <summary>A hook that reads the model's weights, or has it predict, at other times than around an evaluation. It can't be of a run whose
/// model is trained in stages by several processes, each of which has only its own stage's newest weights then.</summary>
public interface IReadsWeights;
