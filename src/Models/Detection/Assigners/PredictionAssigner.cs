using Tessera.Models.Detection.Anchors;

namespace Tessera.Models.Detection.Assigners;

/// <summary>What a head says of one image, at every place of every map, in the places' order.</summary>
/// <param name="Boxes">[N], decoded, in pixels of the batch's tensor.</param>
/// <param name="ClassLogits">[N * C], a place's classes beside each other.</param>
/// <param name="ObjectLogits">[N], whether there is anything; null where the head does not say.</param>
public sealed record PlaceGuesses(BoxArray Boxes, float[] ClassLogits, float[]? ObjectLogits = null)
{
    public int Classes => Boxes.Count == 0 ? 0 : ClassLogits.Length / Boxes.Count;

    /// <summary>The logits of one place's classes, [C].</summary>
    public ReadOnlySpan<float> ClassesOf(int place) => ClassLogits.AsSpan(place * Classes, Classes);
}

/// <summary>What each place is to find.</summary>
/// <param name="Boxes">[N], the index of its box, or <see cref="Assigner.Background"/>, or <see cref="Assigner.Ignored"/>.</param>
/// <param name="Overlaps">[N], IoU of its guess with that box; 0 where it has none.</param>
public sealed record PlaceMatches(int[] Boxes, float[] Overlaps);

/// <summary>Decides which place is to find which box by what the head finds there at the moment. On plain arrays.</summary>
[ComponentKind("prediction assigner")]
public abstract class PredictionAssigner
{
    /// <summary>A place that lies in an ignored box by more than this part of its cell is asked nothing, and is no box's. Negative: ignored
    /// boxes don't count.</summary>
    [FromConfig, Range(-1, 1)]
    public double IgnoreIofThr { get; set; } = 0.5;

    /// <summary>Safe to call from several threads at once.</summary>
    /// <param name="places">One anchor for each place: its centre is the place's point, its side the map's stride.</param>
    /// <exception cref="ArgumentException">There are more or fewer guesses than places.</exception>
    public PlaceMatches Assign(AnchorGrid places, TruthBoxes truth, PlaceGuesses guesses)
    {
        if (guesses.Boxes.Count != places.Count || guesses.ClassLogits.Length != places.Count * guesses.Classes)
            throw new ArgumentException($"There are {guesses.Boxes.Count} guesses for {places.Count} places.", nameof(guesses));
        var matches = new PlaceMatches(new int[places.Count], new float[places.Count]);
        Array.Fill(matches.Boxes, Assigner.Background);
        if (IgnoreIofThr >= 0 && truth.Ignored.Count > 0)
            IgnoredAreas.Mark(places.Boxes, truth.Ignored, IgnoreIofThr, matches.Boxes);
        if (truth.Boxes.Count > 0)
            Assign(places, truth, guesses, matches);
        return matches;
    }

    /// <param name="truth">At least one box.</param>
    /// <param name="matches">
    /// <see cref="Assigner.Background"/>, or <see cref="Assigner.Ignored"/> where the place takes no part: it stays so. The others are
    /// written.
    /// </param>
    protected abstract void Assign(AnchorGrid places, TruthBoxes truth, PlaceGuesses guesses, PlaceMatches matches);
}
