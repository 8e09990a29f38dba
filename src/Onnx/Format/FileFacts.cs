using System.Globalization;
using System.Security.Cryptography;
using System.Text;
using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;

namespace Tessera.Onnx.Format;

/// <summary>What a file says of its model besides the graph: what is needed to predict with it.</summary>
internal sealed record FileFacts
{
    private const string Prefix = "tessera.",
        Version = "1";

    public required DataInfo Data { get; init; }

    /// <summary>The config of the model and its data, JSON.</summary>
    public required string Config { get; init; }

    /// <summary>The graph takes pixels.</summary>
    public bool Preprocessing { get; init; }

    /// <summary>The graph gives what is predicted.</summary>
    public bool Postprocessing { get; init; }

    /// <summary>How logits of a segmentation lie on the image.</summary>
    public bool AlignCorners { get; init; }

    /// <summary>Why the checkpoint's own predictor does more than one pass over the image; null: it doesn't.</summary>
    public string? NotPlain { get; init; }

    public string ConfigHash => Convert.ToHexStringLower(SHA256.HashData(Encoding.UTF8.GetBytes(Config)));

    /// <summary>As texts by name.</summary>
    public IEnumerable<(string Name, string Value)> Texts()
    {
        yield return ($"{Prefix}format", Version);
        yield return ($"{Prefix}task", Data.Task.ToString());
        yield return ($"{Prefix}classes", JsonSerializer.Serialize(Data.Classes));
        if (Data.Palette is { } palette)
            yield return (
                $"{Prefix}palette",
                JsonSerializer.Serialize(palette.Select(color => new[] { color.Red, color.Green, color.Blue }.Select(part => (int)part)))
            );
        if (Data.CategoryIds is { } ids)
            yield return ($"{Prefix}category_ids", JsonSerializer.Serialize(ids));
        yield return ($"{Prefix}config", Config);
        yield return ($"{Prefix}config_sha256", ConfigHash);
        yield return ($"{Prefix}preprocessing", Text(Preprocessing));
        yield return ($"{Prefix}postprocessing", Text(Postprocessing));
        yield return ($"{Prefix}align_corners", Text(AlignCorners));
        if (NotPlain is not null)
            yield return ($"{Prefix}not_plain", NotPlain);
    }

    /// <exception cref="UserErrorException">The file isn't one of ours, is of a newer version, or its facts are damaged.</exception>
    public static FileFacts Of(IReadOnlyDictionary<string, string> texts, string path)
    {
        if (!texts.TryGetValue($"{Prefix}format", out var version))
            throw new UserErrorException(
                $"{path}\n  It doesn't say what its model's classes and transforms are, so it wasn't written by Tessera."
            );
        if (version != Version)
            throw new UserErrorException($"{path}\n  It is of format {version}; this version of Tessera reads {Version}.");
        try
        {
            var facts = new FileFacts
            {
                Data = new DataInfo(
                    JsonSerializer.Deserialize<string[]>(texts[$"{Prefix}classes"])!,
                    Enum.Parse<DataTask>(texts[$"{Prefix}task"])
                )
                {
                    Palette = texts.TryGetValue($"{Prefix}palette", out var palette)
                        ?
                        [
                            .. JsonSerializer
                                .Deserialize<int[][]>(palette)!
                                .Select(part => new Rgb((byte)part[0], (byte)part[1], (byte)part[2])),
                        ]
                        : null,
                    CategoryIds = texts.TryGetValue($"{Prefix}category_ids", out var ids) ? JsonSerializer.Deserialize<long[]>(ids) : null,
                },
                Config = texts[$"{Prefix}config"],
                Preprocessing = texts[$"{Prefix}preprocessing"] == Text(true),
                Postprocessing = texts[$"{Prefix}postprocessing"] == Text(true),
                AlignCorners = texts[$"{Prefix}align_corners"] == Text(true),
                NotPlain = texts.GetValueOrDefault($"{Prefix}not_plain"),
            };
            return facts.ConfigHash == texts[$"{Prefix}config_sha256"]
                ? facts
                : throw new UserErrorException($"{path}\n  Its config doesn't have the SHA-256 that the file states.");
        }
        catch (Exception e)
            when (e is JsonException or KeyNotFoundException or ArgumentException or IndexOutOfRangeException or NullReferenceException)
        {
            throw new UserErrorException($"{path}\n  What it says of its model can't be read: {e.Message}", e);
        }
    }

    private static string Text(bool flag) => flag.ToString(CultureInfo.InvariantCulture).ToLowerInvariant();
}
