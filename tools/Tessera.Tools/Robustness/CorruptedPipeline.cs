using Tessera.Datasets.Corruptions;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Tools.Robustness;

/// <summary>A pipeline that corrupts each image right after it is loaded, where the benchmark does, too.</summary>
internal static class CorruptedPipeline
{
    public static IReadOnlyList<Transform> Of(IReadOnlyList<Transform> pipeline, CorruptionKind kind, int severity, long seed)
    {
        var after = pipeline.ToList().FindLastIndex(step => step is LoadImage) + 1; // 0: the data set gives pixels
        return [.. pipeline.Take(after), new Corrupt(new CorruptOptions([kind], [severity], Seed: seed)), .. pipeline.Skip(after)];
    }
}
