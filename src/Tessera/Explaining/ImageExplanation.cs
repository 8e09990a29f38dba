using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Models.Explanation;

namespace Tessera.Explaining;

/// <summary>Why a model gave an image a score, as one method sees it.</summary>
public sealed record ImageExplanation
{
    /// <summary>The image's path, or its name in the data.</summary>
    public required string Image { get; init; }

    /// <summary>What is explained: a class's name, a regression's value, an object that was found.</summary>
    public required string Target { get; init; }

    /// <summary>The target with its score: "dog 0.931", "dog 0.93 at (10, 20, 90, 120)".</summary>
    public required string Headline { get; init; }

    /// <summary>The class's probability, the regression's value in its own unit, the object's score; null where it has none.</summary>
    public required double? Score { get; init; }

    /// <summary>The method's name as it is typed: "grad_cam".</summary>
    public required string Method { get; init; }

    /// <summary>The method's name in the literature: "Grad-CAM".</summary>
    public required string MethodTitle { get; init; }

    /// <summary>Where the model was opened, and why there.</summary>
    public required IReadOnlyList<MapLayer> Layers { get; init; }

    /// <summary>At the size of the model's input. Sums over channels as the method defines them, what speaks against the target cut off
    /// where the method does so; with several layers or passes, means of maps scaled to [0, 1].</summary>
    public required RelevanceMap Map { get; init; }

    /// <summary>Whether the map says anything, and its values before any was cut off.</summary>
    public required MapRange Range { get; init; }

    /// <summary>What was done to the image before the model saw it.</summary>
    public required Geometry Geometry { get; init; }

    /// <summary>Values begin at zero: what speaks against the target was cut off.</summary>
    public required bool IsPositive { get; init; }

    /// <summary>Reads the image again, as it was before any transform.</summary>
    public required Func<Image> ReadImage { get; init; }

    /// <summary>The values of the darkest and of the lightest colour in pictures.</summary>
    public (double Low, double High) Scale => (IsPositive ? Math.Min(0, Map.Least) : Map.Least, Map.Greatest);

    /// <summary>Why the map should not be looked at, in words; null where it says something.</summary>
    public string? Objection =>
        Range.Verdict switch
        {
            MapVerdict.Useful => null,
            MapVerdict.Constant => Text($"The map is the same everywhere ({Range.Greatest:G3}): it tells no place from another."),
            MapVerdict.NegativeEverywhere => Text(
                $"No place speaks for {Target}: the map is nowhere above zero ({Range.Least:G3} to {Range.Greatest:G3})."
            ),
            _ => "The map has values that are not finite.",
        };

    /// <summary>The map over the image as its file has it, at its size.</summary>
    public RelevanceMap OnImage() => Map.On(Geometry, Geometry.OriginalHeight, Geometry.OriginalWidth);

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
