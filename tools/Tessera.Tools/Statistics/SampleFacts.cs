using Tessera.Framework.Data;

namespace Tessera.Tools.Statistics;

/// <summary>What the statistics need of one sample.</summary>
internal sealed record SampleFacts(string Name)
{
    /// <summary>Why its image can't be read.</summary>
    public string? Unreadable { get; init; }

    public int Height { get; init; }

    public int Width { get; init; }

    public Fingerprint? Print { get; init; }

    /// <summary>The classes it shows, as the annotation says without a look at the image or a segmentation map.</summary>
    public IReadOnlyList<int>? Labels { get; init; }

    public MapFacts? Map { get; init; }

    public Boxes? Boxes { get; init; }
}

/// <summary>What a segmentation map, or a map of segments, says.</summary>
/// <param name="Height">0 where there is no map.</param>
/// <param name="Pixels">By class.</param>
/// <param name="Unclaimed">Pixels of values that no class claims, by the value's name.</param>
internal sealed record MapFacts(int Height, int Width, long[] Pixels, long Ignored, IReadOnlyList<KeyValuePair<string, long>> Unclaimed)
{
    /// <summary>There is no label file.</summary>
    public string? Missing { get; init; }

    /// <summary>There is one, but not one that can be counted.</summary>
    public string? Unreadable { get; init; }
}
