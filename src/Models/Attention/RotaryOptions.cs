namespace Tessera.Models.Attention;

/// <summary>How rotary positions count rows and columns.</summary>
public enum RotaryCoordinates
{
    /// <summary>From -1 to 1 across the image, whatever its size: DINOv3. The fastest channels turn once from the middle to a
    /// border.</summary>
    Normalized,

    /// <summary>Patches, from 0: EVA-02.</summary>
    Patches,
}

/// <summary>Which two channels of a head are turned together.</summary>
public enum RotaryPairs
{
    /// <summary>One of the head's first half and the one half a head behind: DINOv3.</summary>
    Halves,

    /// <summary>Neighbours: EVA-02.</summary>
    Neighbours,
}

/// <param name="Coordinates">What is counted: "normalized" (DINOv3) or "patches" (EVA-02).</param>
/// <param name="Pairs">Channels that are turned together: "halves" (DINOv3) or "neighbours" (EVA-02).</param>
/// <param name="Base">Ratio of the longest wavelength, not reached, to the shortest; by default 100 for normalized coordinates and 10,000
/// for patches.</param>
/// <param name="ReferenceGrid">For patches: rows and columns that every grid is stretched to, such as those of the images of the
/// pretraining; none by default.</param>
public sealed record RotaryOptions(
    RotaryCoordinates Coordinates = RotaryCoordinates.Normalized,
    RotaryPairs Pairs = RotaryPairs.Halves,
    [property: Range(1.0001, 1e9)] double? Base = null,
    HeightWidth? ReferenceGrid = null
);
