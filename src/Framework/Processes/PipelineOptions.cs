namespace Tessera.Framework.Processes;

/// <param name="Stages">Parts into which the model is cut, one for each process.</param>
/// <param name="MicroBatches">Parts of each batch, which go through the stages one after another; they must divide the batch.</param>
/// <param name="Cuts">The step with which each stage but the first begins, from 0, as the log lists them; measured where it isn't
/// given.</param>
public sealed record PipelineOptions(
    [property: Range(2, 1024)] int Stages,
    [property: Range(1, 65536)] int MicroBatches = 4,
    [property: MinLength(1)] int[]? Cuts = null
);
