using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Checkpoints;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Torch;
using TorchSharp;
using static TorchSharp.torch;

namespace Tessera.Tools.PseudoLabels;

/// <summary>Scores of the classes of one image.</summary>
/// <param name="Classes">[K], the file's foreground classes.</param>
/// <param name="Sources">[K], bit 0: the class is in the given labels; bit 1: it is predicted.</param>
/// <param name="Values">[K * H * W], in [0, 1].</param>
internal sealed record StoredScores(long[] Classes, byte[] Sources, float[] Values);

/// <summary>What tools/pseudo-labels wrote: a description, <c>masks</c>, and perhaps <c>scores</c>.</summary>
internal sealed class MaskFolder
{
    public const int Undecided = 255;

    private const string Description = "pseudo-labels.json";
    private const long MostValues = 1L << 29;

    private readonly string _folder;

    /// <exception cref="UserErrorException">The folder isn't one of pseudo labels.</exception>
    public MaskFolder(string folder)
    {
        _folder = folder;
        var path = Path.Combine(folder, Description);
        if (!Directory.Exists(folder))
            throw new UserErrorException($"{folder}: there is no such folder; one that tools/pseudo-labels wrote was expected.");
        if (!File.Exists(path))
            throw new UserErrorException($"{folder} holds no {Description}; a folder that tools/pseudo-labels wrote was expected.");
        try
        {
            var about = JsonNode.Parse(File.ReadAllText(path))!.AsObject();
            if ((int?)about["format"] is not 1)
                throw new UserErrorException($"{path}: its format is {about["format"]?.ToJsonString() ?? "not stated"}; 1 was expected.");
            Classes = [.. about["classes"]!.AsArray().Select(name => name!.GetValue<string>())];
            Part = (string?)about["part"] ?? "train";
            Labels = (string?)about["labels"];
        }
        catch (Exception error)
            when (error is JsonException or InvalidOperationException or NullReferenceException or FormatException or ArgumentException)
        {
            throw new UserErrorException($"{path} is damaged: {error.Message}", error);
        }
        HasMasks = Directory.Exists(Path.Combine(folder, "masks"));
        HasScores = Directory.Exists(Path.Combine(folder, "scores"));
        if (!HasMasks && !HasScores)
            throw new UserErrorException($"{folder} holds neither masks nor scores, so there is nothing to score.");
    }

    /// <summary>Names of the foreground.</summary>
    public IReadOnlyList<string> Classes { get; }

    /// <summary>train, val or test.</summary>
    public string Part { get; }

    /// <summary>Where the image labels came from that the masks were made with: "truth", "predicted"; null where it isn't said.</summary>
    public string? Labels { get; }

    public bool HasMasks { get; }

    public bool HasScores { get; }

    /// <param name="name">Of <see cref="Output.OutputNames"/>.</param>
    /// <param name="kind">"masks" or "scores".</param>
    public string PathOf(string name, string kind) => Path.Combine(_folder, kind, name + (kind == "masks" ? ".png" : ".safetensors"));

    /// <summary>An image's labels: 0 is background, k + 1 the class with index k, 255 undecided.</summary>
    /// <returns>[H * W].</returns>
    /// <exception cref="UserErrorException">The file is damaged, of another size, or has a value that is no class.</exception>
    public int[] Mask(string name, int height, int width)
    {
        var path = PathOf(name, "masks");
        var map = ImageCodec.Decode(File.ReadAllBytes(path), path, new DecodeOptions(ColorType.Index));
        if (map.Channels != 1 || map.Type != PixelType.UInt8)
            throw new UserErrorException($"{path}: one channel of 8 bits was expected.");
        RequireSize(path, map.Height, map.Width, height, width);
        foreach (var value in map.Bytes)
            if (value > Classes.Count && value != Undecided)
                throw new UserErrorException($"{path}: the value {value} is none of 0 to {Classes.Count} and 255.");
        return [.. map.Bytes.Select(value => (int)value)];
    }

    /// <summary>An image's scores, enlarged to a size.</summary>
    /// <exception cref="UserErrorException">The file is damaged, or its tensors are others than expected.</exception>
    public StoredScores Scores(string name, int height, int width)
    {
        var path = PathOf(name, "scores");
        using var file = WeightsFile.Open(path);
        var (scores, classes, labels) = (Info(file, "scores", 3), Info(file, "classes", 1), Info(file, "labels", 1));
        var count = scores.Shape[0];
        if (scores.Type is not (ElementType.Float16 or ElementType.Float32) || classes.Type != ElementType.Int64)
            throw new UserErrorException($"{path}: scores are {scores.Type}, classes {classes.Type}; Float16 or Float32, and Int64.");
        if (labels.Type != ElementType.UInt8 || classes.Shape[0] != count || labels.Shape[0] != count)
            throw new UserErrorException($"{path}: {scores}, {classes} and {labels} don't belong together.");
        if (count > Classes.Count || scores.Count > MostValues || count * height * width > MostValues)
            throw new UserErrorException($"{path}: {scores} is more than {Classes.Count} classes of an image.");
        using var scope = NewDisposeScope();
        var (numbers, sources) = (file.Read("classes").Values<long>(), file.Read("labels").Values<byte>());
        if (numbers.Any(number => number < 0 || number >= Classes.Count) || numbers.Distinct().Count() < numbers.Length)
            throw new UserErrorException(
                $"{path}: its classes [{string.Join(", ", numbers)}] are not different indices of {Classes.Count} classes."
            );
        if (count == 0)
            return new StoredScores([], [], []);
        var maps = file.Read("scores").to(ScalarType.Float32);
        var values = maps.Values<float>();
        if (!Array.TrueForAll(values, value => value is >= 0 and <= 1))
            throw new UserErrorException($"{path}: scores hold values outside of [0, 1].");
        if ((scores.Shape[1], scores.Shape[2]) != (height, width))
            values = nn
                .functional.interpolate(maps.unsqueeze(0), [height, width], mode: InterpolationMode.Bilinear, align_corners: false)
                .Values<float>();
        return new StoredScores(numbers, sources, values);
    }

    private static WeightInfo Info(WeightsFile file, string name, int rank) =>
        file.Tensors.TryGetValue(name, out var info) && info.Shape.Count == rank
            ? info
            : throw new UserErrorException($"{file.Path}: it has no tensor \"{name}\" of {rank} dimensions.");

    private static void RequireSize(string path, int height, int width, int trueHeight, int trueWidth)
    {
        if ((height, width) != (trueHeight, trueWidth))
            throw new UserErrorException($"{path} is {width} x {height}, the image's truth {trueWidth} x {trueHeight}.");
    }
}
