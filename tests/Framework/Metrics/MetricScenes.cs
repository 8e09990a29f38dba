using Tessera.Framework.Data;
using Tessera.Framework.Metrics;

namespace Tessera.Tests.Framework.Metrics;

/// <summary>Classes and samples for metrics.</summary>
internal static class MetricScenes
{
    internal static DataInfo Classes(int count) => new(Enumerable.Range(0, count).Select(c => $"c{c}").ToArray(), DataTask.Classification);

    internal static Sample Labelled(int label) =>
        new()
        {
            Index = 0,
            Name = $"sample {label}",
            Truth = { Label = label },
        };

    internal static Sample Hot(params float[] labels) =>
        new()
        {
            Index = 0,
            Name = "sample",
            Truth = { MultiLabel = labels },
        };
}
