using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Tools.PseudoLabels;

/// <summary>What tools/pseudo-labels wrote: a description, <c>masks</c>, and perhaps <c>scores</c>.</summary>
internal sealed class MaskFolder
{
    public const int Undecided = 255;

    private const string Description = "pseudo-labels.json";

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
    public ImageScores Scores(string name, int height, int width) => ScoreFile.Read(PathOf(name, "scores"), Classes.Count, (height, width));

    /// <summary>Files of masks or scores that belong to none of some images.</summary>
    /// <param name="kind">"masks" or "scores".</param>
    /// <param name="names">Of <see cref="Output.OutputNames"/>.</param>
    public IEnumerable<string> Strangers(string kind, IEnumerable<string> names)
    {
        var folder = Path.Combine(_folder, kind);
        if (!Directory.Exists(folder))
            return [];
        var known = names.Select(name => Path.GetFullPath(PathOf(name, kind))).ToHashSet(StringComparer.Ordinal);
        return Directory
            .EnumerateFiles(folder, "*" + Path.GetExtension(PathOf("x", kind)), SearchOption.AllDirectories)
            .Where(path => !known.Contains(Path.GetFullPath(path)))
            .Select(path => Path.GetRelativePath(folder, path).Replace('\\', '/'))
            .Order(StringComparer.Ordinal);
    }

    private static void RequireSize(string path, int height, int width, int trueHeight, int trueWidth)
    {
        if ((height, width) != (trueHeight, trueWidth))
            throw new UserErrorException($"{path} is {width} x {height}, the image's truth {trueWidth} x {trueHeight}.");
    }
}
