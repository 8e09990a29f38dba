using Tessera.Framework.Data;

namespace Tessera.Predictions;

/// <summary>What a file of predictions says of all its images.</summary>
/// <param name="Part">The part of the data: "val" or "test".</param>
/// <param name="Data">Task, class names (of regression: the targets'), and ids of categories where the data has its own.</param>
/// <param name="Weights">What predicted, for people: a checkpoint's file, or where a run stood. null: not known.</param>
public sealed record PredictionHeader(string Part, DataInfo Data, string? Weights = null);
