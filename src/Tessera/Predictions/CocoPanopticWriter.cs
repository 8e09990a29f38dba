using System.Text.Json;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Models;

namespace Tessera.Predictions;

/// <summary>Panoptic maps in COCO's format, which panopticapi measures: a JSON file, and beside it, in the folder of its name without
/// ".json", a PNG for each image. Ids of categories are the annotation file's.</summary>
public sealed class CocoPanopticWriter : IDisposable
{
    private readonly string _file,
        _folder;
    private readonly DataInfo _data;
    private readonly FileStream _stream;
    private readonly Utf8JsonWriter _json;
    private bool _completed;

    /// <param name="file">The JSON file; until <see cref="Complete"/> it has a temporary name.</param>
    /// <param name="data">The classes.</param>
    /// <exception cref="UserErrorException">The name doesn't end in ".json".</exception>
    public CocoPanopticWriter(string file, DataInfo data)
    {
        if (!file.EndsWith(".json", StringComparison.OrdinalIgnoreCase) || Directory.Exists(file))
            throw new UserErrorException(
                $"{file}: panoptic maps are written as a JSON file, and PNGs in a folder beside it that has its name without .json; the "
                    + "file's name must end in .json."
            );
        (_file, _folder, _data) = (Path.GetFullPath(file), Path.ChangeExtension(Path.GetFullPath(file), null), data);
        Directory.CreateDirectory(_folder);
        _stream = new FileStream(_file + AtomicFile.Temporary, FileMode.Create, FileAccess.Write);
        _json = new Utf8JsonWriter(_stream, CocoResultWriter.Format);
        _json.WriteStartObject();
        _json.WriteStartArray("annotations");
    }

    /// <param name="sample">Tells the image's id.</param>
    /// <param name="name">Of its PNG, without the ending; below the folder.</param>
    /// <exception cref="UserErrorException">The prediction is no panoptic map.</exception>
    public void Write(Sample sample, Prediction prediction, string name)
    {
        var map = Require(sample.Name, prediction);
        var path = Path.Combine(_folder, name + ".png");
        Directory.CreateDirectory(Path.GetDirectoryName(path)!);
        AtomicFile.Write(path, stream => stream.Write(CocoPanopticFormat.Png(map)));
        _json.WriteStartObject();
        _json.WriteNumber("image_id", CocoResultWriter.IdOf(sample));
        _json.WriteString("file_name", name + ".png");
        CocoPanopticFormat.WriteSegments(_json, _data, map);
        _json.WriteEndObject();
        _json.Flush();
    }

    /// <summary>Ends the file. Without it there is none.</summary>
    public void Complete()
    {
        _json.WriteEndArray();
        CocoPanopticFormat.WriteCategories(_json, _data);
        _json.WriteEndObject();
        _json.Dispose(); // before the file: it writes what is left
        _stream.Dispose();
        File.Move(_file + AtomicFile.Temporary, _file, overwrite: true);
        _completed = true;
    }

    public void Dispose()
    {
        _json.Dispose();
        _stream.Dispose();
        if (!_completed)
            File.Delete(_file + AtomicFile.Temporary);
    }

    internal static PanopticMap Require(string image, Prediction prediction) =>
        prediction is PanopticPrediction { Map: var map }
            ? map
            : throw new UserErrorException($"{image}: the model predicts no panoptic map.");
}
