using Tessera.Framework.Data;
using Tessera.Framework.Processes;

namespace Tessera.Framework.Running;

/// <summary>What a pipeline is made of.</summary>
/// <param name="Options">How the model is cut and how batches are.</param>
/// <param name="Example">Gives a batch of the training's size, on which the steps are measured; the pipeline disposes it.</param>
public sealed record PipelineParts(PipelineOptions Options, Func<Batch> Example);
