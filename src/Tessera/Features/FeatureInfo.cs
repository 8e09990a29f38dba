using System.Text.Json;
using Tessera.Framework.Data;

namespace Tessera.Features;

/// <summary>What a file of features says of itself.</summary>
public sealed record FeatureInfo
{
    /// <summary>The form of the file.</summary>
    public int Version { get; init; } = Current;

    /// <summary>train, val or test.</summary>
    public required string Part { get; init; }

    public required DataTask Task { get; init; }

    /// <summary>Class names, or those of a regression's targets.</summary>
    public required IReadOnlyList<string> Classes { get; init; }

    /// <summary>The file that the weights came from.</summary>
    public required string Checkpoint { get; init; }

    /// <summary>SHA-256 of the weights that the features depend on: all but the head's.</summary>
    public required string WeightsHash { get; init; }

    /// <summary>SHA-256 of the file of weights, where it is no checkpoint of Tessera's.</summary>
    public string? FileHash { get; init; }

    /// <summary>The steps that made an image the model's input, as JSON.</summary>
    public required string Transform { get; init; }

    /// <summary>Of the names and the truth of all samples, and of what some of them hold.</summary>
    public required string DataHash { get; init; }

    /// <summary>The config, as it is written into checkpoints.</summary>
    public required string Config { get; init; }

    /// <summary>The form of files that is written.</summary>
    internal const int Current = 1;

    /// <summary>Whether all that it must say is there: a file comes from anywhere.</summary>
    internal bool IsWhole =>
        Version == Current
        && Enum.GetValues<DataPart>().Any(part => SessionData.NameOf(part) == Part)
        && Task is DataTask.Classification or DataTask.MultiLabel or DataTask.Regression
        && Classes is { Count: > 0 }
        && Classes.All(name => name is not null)
        && Checkpoint is not null
        && WeightsHash is not null
        && Transform is not null
        && DataHash is not null
        && Config is not null;

    public string ToJson() => JsonSerializer.Serialize(this);

    /// <summary>null where the text isn't what <see cref="ToJson"/> wrote.</summary>
    public static FeatureInfo? Parse(string json)
    {
        try
        {
            return JsonSerializer.Deserialize<FeatureInfo>(json);
        }
        catch (JsonException)
        {
            return null;
        }
    }
}
