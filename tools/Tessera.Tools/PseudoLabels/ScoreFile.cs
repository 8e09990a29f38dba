using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.PseudoLabels;

/// <summary>The scores of an image's classes.</summary>
/// <param name="Scores">[classes, Height, Width], in [0, 1].</param>
/// <param name="Classes">What they are of, from 0.</param>
/// <param name="Origins">Of each class: 1 it is given, 2 it is predicted, 3 both.</param>
internal sealed record ImageScores(float[] Scores, int[] Classes, byte[] Origins, int Height, int Width)
{
    public const byte Given = 1;
    public const byte Predicted = 2;

    /// <summary>Those of classes of an origin.</summary>
    public ImageScores Of(byte origin)
    {
        var places = Enumerable.Range(0, Classes.Length).Where(place => (Origins[place] & origin) != 0).ToArray();
        if (places.Length == Classes.Length)
            return this;
        var pixels = Height * Width;
        var chosen = new float[places.Length * pixels];
        for (var i = 0; i < places.Length; i++)
            Scores.AsSpan(places[i] * pixels, pixels).CopyTo(chosen.AsSpan(i * pixels));
        return new ImageScores(chosen, [.. places.Select(p => Classes[p])], [.. places.Select(p => Origins[p])], Height, Width);
    }

    /// <summary>Those of classes whose map is 0 everywhere, so that no threshold gives them a pixel.</summary>
    public IEnumerable<int> Empty() =>
        Classes.Where((_, place) => Scores.AsSpan(place * Height * Width, Height * Width).IndexOfAnyExcept(0f) < 0);
}

/// <summary>Scores as files: safetensors of "scores" (float16 [K, H, W]), "classes" (int64 [K]) and "labels" (uint8 [K]).</summary>
internal static class ScoreFile
{
    private const long MostValues = 1L << 29;

    public static void Write(string path, ImageScores image)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        long count = image.Classes.Length;
        using var scope = NewDisposeScope();
        TensorFile.Write(
            path,
            new Dictionary<string, Tensor>
            {
                ["scores"] = tensor(image.Scores, [count, image.Height, image.Width], dtype: ScalarType.Float16),
                ["classes"] = tensor([.. image.Classes.Select(index => (long)index)], [count]),
                ["labels"] = tensor(image.Origins, [count]),
            }
        );
    }

    /// <summary>Reads such a file; scores of float32 are taken, too.</summary>
    /// <param name="known">How many classes there are.</param>
    /// <param name="size">Height and width to which scores are enlarged, bilinear; null: as they are.</param>
    /// <exception cref="UserErrorException">The file is damaged, or its tensors are others than expected.</exception>
    public static ImageScores Read(string path, int known, (int Height, int Width)? size = null)
    {
        using var file = WeightsFile.Open(path);
        var (scores, classes, labels) = (Info(file, "scores", 3), Info(file, "classes", 1), Info(file, "labels", 1));
        var count = scores.Shape[0];
        if (scores.Type is not (ElementType.Float16 or ElementType.Float32) || classes.Type != ElementType.Int64)
            throw Bad(path, $"scores are {scores.Type}, classes {classes.Type}; Float16 or Float32, and Int64 were expected.");
        if (labels.Type != ElementType.UInt8 || classes.Shape[0] != count || labels.Shape[0] != count)
            throw Bad(path, $"{scores}, {classes} and {labels} don't belong together.");
        var (height, width) = size ?? ((int)Math.Min(scores.Shape[1], int.MaxValue), (int)Math.Min(scores.Shape[2], int.MaxValue));
        if (count > known || scores.Count > MostValues || count * height * width > MostValues)
            throw Bad(path, $"{scores} is more than {known} classes of an image.");
        using var scope = NewDisposeScope();
        var (numbers, sources) = (file.Read("classes").Values<long>(), file.Read("labels").Values<byte>());
        if (numbers.Any(number => number < 0 || number >= known) || numbers.Distinct().Count() < numbers.Length)
            throw Bad(path, $"its classes [{string.Join(", ", numbers)}] are not different indices of {known} classes.");
        if (count == 0)
            return new ImageScores([], [], [], height, width);
        var maps = file.Read("scores").to(ScalarType.Float32);
        var values = maps.Values<float>();
        if (!Array.TrueForAll(values, value => value is >= 0 and <= 1))
            throw Bad(path, "scores hold values outside of [0, 1].");
        if ((scores.Shape[1], scores.Shape[2]) != (height, width))
            values = nn
                .functional.interpolate(maps.unsqueeze(0), [height, width], mode: InterpolationMode.Bilinear, align_corners: false)
                .Values<float>();
        return new ImageScores(values, [.. numbers.Select(number => (int)number)], sources, height, width);
    }

    private static WeightInfo Info(WeightsFile file, string name, int rank) =>
        file.Tensors.TryGetValue(name, out var info) && info.Shape.Count == rank
            ? info
            : throw Bad(file.Path, $"it has no tensor \"{name}\" of {rank} dimensions.");

    private static UserErrorException Bad(string path, string what) =>
        new($"{path}: {what} Delete the file to have tools/pseudo-labels make it again.");
}
