using Tessera.Framework.Checkpoints;
using Tessera.Framework.Errors;
using Tessera.Torch;
using static TorchSharp.torch;

namespace Tessera.Tools.PseudoLabels;

/// <summary>The scores of an image's classes.</summary>
/// <param name="Scores">[classes, Height, Width], in [0, 1], as float16 holds them.</param>
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
}

/// <summary>Scores as files: safetensors of "scores" (float16 [K, H, W]), "classes" (int64 [K]) and "labels" (uint8 [K]).</summary>
internal static class ScoreFile
{
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

    /// <exception cref="UserErrorException">The file is damaged, or none of scores.</exception>
    public static ImageScores Read(string path)
    {
        using var file = WeightsFile.Open(path);
        var shape = file.Tensors.GetValueOrDefault("scores")?.Shape.ToArray();
        if (
            shape is not [var count, var height, var width]
            || file.Tensors["scores"].Type != ElementType.Float16
            || !Is("classes", ElementType.Int64)
            || !Is("labels", ElementType.UInt8)
        )
            throw new UserErrorException(
                $"{path}: scores [K, H, W] of float16, classes [K] of int64 and labels [K] of uint8 were expected. Delete the file to have "
                    + "it made again."
            );
        using var scope = NewDisposeScope();
        return new ImageScores(
            file.Read("scores").to(ScalarType.Float32).Values<float>(),
            [.. file.Read("classes").Values<long>().Select(index => (int)index)],
            file.Read("labels").Values<byte>(),
            (int)height,
            (int)width
        );

        bool Is(string name, ElementType type) =>
            file.Tensors.GetValueOrDefault(name) is { } info && info.Type == type && info.Shape.SequenceEqual([count]);
    }
}
