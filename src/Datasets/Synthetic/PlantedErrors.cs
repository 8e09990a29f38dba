using Tessera.Framework.Data;

namespace Tessera.Datasets.Synthetic;

/// <summary>What is wrong with a label that was planted.</summary>
public enum PlantedErrorKind
{
    /// <summary>The shape is there and called by another class.</summary>
    OtherClass,

    /// <summary>The shape is there, its box is not.</summary>
    LeftOut,

    /// <summary>A box is there, the shape is not.</summary>
    Invented,
}

/// <summary>A label that <see cref="Shapes"/> gave wrongly, on purpose.</summary>
/// <param name="TrueLabel">Of the shape; null where there is none.</param>
/// <param name="Label">As it is given; null where none is.</param>
/// <param name="Box">Of detection: x1, y1, x2, y2.</param>
public sealed record PlantedError(PlantedErrorKind Kind, int? TrueLabel, int? Label, float[]? Box);

/// <summary>Makes some labels wrong, each image's by its own random numbers.</summary>
/// <param name="share">How many of the labels.</param>
/// <param name="classes">How many classes.</param>
/// <param name="size">Side of an image.</param>
internal sealed class PlantedErrors(double share, int classes, int size)
{
    private const ulong Apart = 0x5DEECE66DUL; // from the numbers that images are drawn with
    private const int Tries = 50;
    private const double MostOverlap = 0.05;

    /// <returns>null: the label stays right.</returns>
    public int? OtherLabel(int label, RandomSource image)
    {
        var random = Own(image);
        return random.Chance(share) && classes > 1 ? (label + 1 + random.Next(classes - 1)) % classes : null;
    }

    /// <summary>A box's class changes, or it goes, with half of the share each; and for each box, with half the share, one comes where
    /// nothing is.</summary>
    public (Boxes Boxes, IReadOnlyList<int?> Origins, IReadOnlyList<PlantedError> Errors) Change(Boxes boxes, RandomSource image)
    {
        var random = Own(image);
        var (corners, labels, origins, errors) = (new List<float>(), new List<int>(), new List<int?>(), new List<PlantedError>());
        for (var i = 0; i < boxes.Count; i++)
        {
            var (box, label) = (boxes.Corners[(4 * i)..(4 * (i + 1))], boxes.Labels[i]);
            var (isWrong, isLeftOut, other) = (random.Chance(share), random.Chance(0.5), random.Next(Math.Max(1, classes - 1)));
            if (isWrong && (isLeftOut || classes == 1))
            {
                errors.Add(new PlantedError(PlantedErrorKind.LeftOut, label, null, box));
                continue;
            }
            var given = isWrong ? (label + 1 + other) % classes : label;
            if (isWrong)
                errors.Add(new PlantedError(PlantedErrorKind.OtherClass, label, given, box));
            Add(box, given, i);
        }
        for (var i = 0; i < boxes.Count; i++)
        {
            if (!random.Chance(share / 2) || Free(boxes, random) is not { } box)
                continue;
            var label = random.Next(classes);
            errors.Add(new PlantedError(PlantedErrorKind.Invented, null, label, box));
            Add(box, label, null);
        }
        return (new Boxes([.. corners], [.. labels], new bool[labels.Count]), origins, errors);

        void Add(float[] box, int label, int? origin)
        {
            corners.AddRange(box);
            labels.Add(label);
            origins.Add(origin);
        }
    }

    /// <returns>null where there is no room.</returns>
    private float[]? Free(Boxes boxes, RandomSource random)
    {
        var taken = BoxAnnotation.Of(boxes).Boxes;
        for (var i = 0; i < Tries; i++)
        {
            var side = Math.Round(size * random.Uniform(0.2, 0.4));
            double[] box = [Math.Floor(random.Uniform(0, size - side)), Math.Floor(random.Uniform(0, size - side)), side, side];
            if (taken.Chunk(4).All(other => BoxGeometry.IoU(box, other) <= MostOverlap))
                return [(float)box[0], (float)box[1], (float)(box[0] + side), (float)(box[1] + side)];
        }
        return null;
    }

    private static RandomSource Own(RandomSource image) => new(image.NextUInt64() ^ Apart);
}
