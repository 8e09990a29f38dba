using System.Globalization;
using System.Text;
using System.Text.Json.Nodes;
using Tessera.Datasets.Images;
using Tessera.Explaining;
using Tessera.Framework.Data;
using Tessera.Framework.Files;
using Tessera.Framework.Visualization;
using Tessera.Models.Explanation;
using Tessera.Models.Explanation.Faithfulness;
using Tessera.Tools.Browsing;
using Tessera.Tools.Output;

namespace Tessera.Tools.Explaining;

/// <summary>What one model says of an image.</summary>
/// <param name="Model">Its name, where several are compared.</param>
internal sealed record ModelsExplanation(string? Model, ImageExplanation Explanation);

/// <summary>Writes explanations into a folder: a sheet for each image, in a folder of its own a picture (and an array) for each map, one
/// sheet of all images, one page, one table.</summary>
/// <param name="names">Of all images that there may be.</param>
/// <param name="withArrays">Also write each map as .npy.</param>
internal sealed class ExplanationFiles(string folder, IReadOnlyCollection<string> names, string title, bool withArrays)
{
    private const int MostRows = 32; // of the sheet of all images: beyond, it is the page that is looked at

    private readonly OutputNames _files = new(names);
    private readonly Gallery _page = new(title);
    private readonly ExplanationSheet _all = new();
    private readonly StringBuilder _table = new();

    /// <summary>Images so far.</summary>
    public int Count { get; private set; }

    /// <summary>Writes what is known of one image.</summary>
    /// <param name="rows">For each target the maps of all methods and models.</param>
    public void Write(string name, IReadOnlyList<IReadOnlyList<ModelsExplanation>> rows)
    {
        Count++;
        var photograph = rows[0][0].Explanation.ReadImage();
        var (sheet, file) = (new ExplanationSheet(), _files[name]);
        foreach (var row in rows)
        {
            (string?, ImageExplanation)[] maps = [.. row.Select(map => (map.Model, map.Explanation))];
            sheet.Add(Path.GetFileName(name), photograph, maps);
            if (_all.Count < MostRows)
                _all.Add(Path.GetFileName(name), photograph, maps);
            foreach (var map in row)
                Write(file, map, photograph);
        }
        using var drawing = sheet.Draw();
        var png = Save(file + ".png", drawing);
        _page.Add(name, string.Join("; ", rows.Select(Words)), ImageCodec.EncodeJpeg(drawing.ToImage()), png);
    }

    /// <summary>Puts an image that can't be explained on the page.</summary>
    public void Fail(string name, string reason) => _page.AddFailure(name, reason);

    /// <summary>Writes the measures of how truly the maps show what each model decides by: faithfulness.json.</summary>
    /// <param name="tables">With the models' names, where several are compared.</param>
    public void Write(IEnumerable<(string? Model, FaithfulnessTable Table)> tables)
    {
        var json = new JsonObject();
        foreach (var (model, table) in tables)
        foreach (var (name, value) in table.Values())
            json[model is null ? name : $"{model}/{name}"] = value;
        AtomicFile.WriteText(Path.Combine(folder, "faithfulness.json"), json.ToJsonString(new() { WriteIndented = true }) + "\n");
    }

    /// <summary>Writes what belongs to all.</summary>
    /// <returns>The page.</returns>
    public string Complete()
    {
        if (Count > 1)
        {
            using var drawing = _all.Draw();
            Save("sheet.png", drawing);
        }
        AtomicFile.WriteText(Path.Combine(folder, "explanations.jsonl"), _table.ToString());
        var page = Path.Combine(folder, "index.html");
        _page.Write(page);
        return page;
    }

    private void Write(string file, ModelsExplanation map, Image photograph)
    {
        var found = map.Explanation;
        string[] parts = [.. new[] { map.Model, found.Target, found.Method }.OfType<string>().Select(FileName)];
        var own = Path.Combine(file, string.Join('.', parts));
        using var drawing = ExplanationPicture.Draw(found, photograph, map.Model);
        var picture = Save(own + ".png", drawing);
        string? array = null;
        if (withArrays)
        {
            array = own + ".npy";
            var values = found.OnImage();
            AtomicFile.Write(Path.Combine(folder, array), stream => stream.Write(NpyArray.Of(values.Values, values.Height, values.Width)));
        }
        _table.Append(Line(map, picture, array).ToJsonString()).Append('\n');
    }

    private static JsonObject Line(ModelsExplanation map, string picture, string? array)
    {
        var found = map.Explanation;
        var line = new JsonObject
        {
            ["name"] = found.Image,
            ["target"] = found.Target,
            ["score"] = found.Score is { } score && double.IsFinite(score) ? score : null,
            ["method"] = found.Method,
            ["layers"] = new JsonArray([.. found.Layers.Select(layer => (JsonNode)layer.Name)]),
            ["verdict"] = JsonNamingPolicyOf(found.Range.Verdict),
            ["least"] = Finite(found.Range.Least),
            ["greatest"] = Finite(found.Range.Greatest),
            ["picture"] = Slashes(picture),
        };
        if (map.Model is { } model)
            line["model"] = model;
        if (array is not null)
            line["array"] = Slashes(array);
        return line;
    }

    private static string JsonNamingPolicyOf(MapVerdict verdict) =>
        System.Text.Json.JsonNamingPolicy.SnakeCaseLower.ConvertName(verdict.ToString());

    private static JsonNode? Finite(double value) => double.IsFinite(value) ? value : null;

    private static string Slashes(string path) => path.Replace('\\', '/');

    private string Save(string file, Drawing drawing)
    {
        var path = Path.Combine(folder, file);
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var png = drawing.EncodePng();
        AtomicFile.Write(path, stream => stream.Write(png));
        return file;
    }

    private static string Words(IReadOnlyList<ModelsExplanation> row)
    {
        var scores = row.Select(map => (map.Model, Text: map.Explanation.Headline)).Distinct();
        return string.Join(", ", scores.Select(score => score.Model is null ? score.Text : $"{score.Model}: {score.Text}"));
    }

    // Names of classes may hold anything.
    private static string FileName(string name)
    {
        var clean = string.Concat(name.Take(60).Select(c => char.IsLetterOrDigit(c) || c is '-' or '_' ? c : '_'));
        return clean.Length == 0 ? "_" : clean;
    }
}
