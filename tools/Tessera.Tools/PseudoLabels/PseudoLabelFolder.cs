using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Visualization;
using Tessera.Tools.Output;

namespace Tessera.Tools.PseudoLabels;

/// <summary>The folder of pseudo labels: masks/NAME.png, scores/NAME.safetensors, and pseudo-labels.json, which says how they were
/// made.</summary>
internal sealed class PseudoLabelFolder
{
    private const string Result = "result";

    private readonly string _folder;
    private readonly JsonObject _description;
    private readonly byte[] _palette;

    /// <param name="description">Without results. What lies in the folder already must be of the same.</param>
    /// <exception cref="UserErrorException">The folder holds something else.</exception>
    public PseudoLabelFolder(string folder, JsonObject description, int classes)
    {
        (_folder, _description) = (folder, description);
        _palette = ClassColors.PaletteBytes(ClassColors.Pascal(classes + 1));
        if (File.Exists(folder))
            throw new UserErrorException($"{folder}: labels are written into a folder, but this is a file.");
        if (File.Exists(JsonPath))
            RequireSame();
        else if (Directory.Exists(folder) && Directory.EnumerateFileSystemEntries(folder).Any())
            throw new UserErrorException($"{folder}: the folder isn't empty and holds no pseudo-labels.json. Name a new one by --out-dir.");
        else
            MetricFiles.Write(JsonPath, description);
    }

    /// <summary>Where the label images lie.</summary>
    public string Masks => Path.Combine(_folder, "masks");

    public string MaskOf(string name) => Path.Combine(Masks, name + ".png");

    public string ScoresOf(string name) => Path.Combine(_folder, "scores", name + ".safetensors");

    public void WriteMask(string name, Image labels) => PredictionMaps.Save(MaskOf(name), ImageCodec.EncodePng(labels, _palette));

    /// <summary>Adds what came out to pseudo-labels.json.</summary>
    public void Complete(JsonObject result)
    {
        var whole = _description.DeepClone().AsObject();
        whole[Result] = result;
        MetricFiles.Write(JsonPath, whole);
    }

    private string JsonPath => Path.Combine(_folder, "pseudo-labels.json");

    private void RequireSame()
    {
        JsonObject there;
        try
        {
            there = JsonNode.Parse(File.ReadAllText(JsonPath)) as JsonObject ?? throw new JsonException();
        }
        catch (JsonException error)
        {
            throw new UserErrorException($"{JsonPath}: this is not what this tool writes. Name a new folder by --out-dir.", error);
        }
        there.Remove(Result);
        var keys = _description.Select(entry => entry.Key).Union(there.Select(entry => entry.Key));
        foreach (var key in keys)
            if (!JsonNode.DeepEquals(there[key], _description[key]))
                throw new UserErrorException(
                    $"{_folder} holds pseudo labels that were made otherwise: their {key} is {Shown(there[key])}, now it is "
                        + $"{Shown(_description[key])}. Take the same options to go on with them, or a new folder for --out-dir."
                );
    }

    private static string Shown(JsonNode? value)
    {
        var text = value?.ToJsonString() ?? "not stated";
        return text.Length > 100 ? text[..100] + "…" : text;
    }
}
