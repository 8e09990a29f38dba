using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Models;

namespace Tessera.Predictions;

/// <summary>Writes the predictions of one evaluation, image by image, and gives them their names once all are there.</summary>
/// <remarks>Until <see cref="Complete"/> everything has a temporary name. Without it, <see cref="Dispose"/> removes all that was written,
/// and what was there before stays.</remarks>
/// <example><code>
/// using var writer = PredictionFileWriter.Create(workDir, new PredictionHeader("val", dataset.Info), dataRoot: null);
/// var evaluator = new Evaluator { …, Observe = writer.Write };
/// writer.Complete(evaluator.Run(model));
/// </code></example>
public sealed class PredictionFileWriter : IDisposable
{
    private readonly string _file;
    private readonly DataTask _task;
    private readonly PredictionEncoder _encoder;
    private readonly Dictionary<long, string> _ids = [];
    private readonly FileStream _lines;
    private readonly FileStream? _results; // in COCO's format, of boxes or segments
    private readonly string? _maps; // the folder of PNGs
    private readonly DataInfo _data;
    private long _images;
    private bool _hasResults,
        _completed;

    private PredictionFileWriter(string file, PredictionHeader header, string? dataRoot)
    {
        (_file, _task, _data, _encoder) = (file, header.Data.Task, header.Data, new PredictionEncoder(header.Data, dataRoot));
        _maps =
            _task == DataTask.Segmentation ? PredictionFolder.MapsOf(file)
            : _task == DataTask.Panoptic ? Path.ChangeExtension(PredictionFolder.PanopticOf(file), null)
            : null;
        Directory.CreateDirectory(Path.GetDirectoryName(file)!);
        RemoveTemporary();
        if (_maps is not null)
            Directory.CreateDirectory(Temporary(_maps));
        _lines = Open(file);
        try
        {
            _results =
                _task == DataTask.Detection ? Open(PredictionFolder.BoxesOf(file))
                : _task == DataTask.Panoptic ? Open(PredictionFolder.PanopticOf(file))
                : null;
            Line(PredictionEncoder.Header(header));
            _results?.Write(_task == DataTask.Detection ? "["u8 : "{\"annotations\": ["u8);
        }
        catch
        {
            Dispose();
            throw;
        }
    }

    /// <summary>The file that will name all others.</summary>
    public string FullName => _file;

    /// <param name="workDir">Into whose folder "predictions" it is written.</param>
    /// <param name="dataRoot">The config's, which images are named below; null where it has none.</param>
    /// <exception cref="UserErrorException">Nothing can be written there.</exception>
    public static PredictionFileWriter Create(string workDir, PredictionHeader header, string? dataRoot)
    {
        var file = PredictionFolder.FileOf(workDir, header.Part);
        try
        {
            return new PredictionFileWriter(Path.GetFullPath(file), header, dataRoot);
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException && !IsFull(error))
        {
            throw new UserErrorException($"{file}: the predictions can't be written there: {error.Message}", error);
        }
    }

    /// <summary>Adds a batch.</summary>
    /// <exception cref="UserErrorException">A prediction is not of the data's task, a box is not finite, or two images have one id
    /// where COCO's format tells them apart by it.</exception>
    public void Write(IReadOnlyList<Prediction> predictions, IReadOnlyList<Sample> samples)
    {
        for (var i = 0; i < samples.Count; i++)
            Write(samples[i], predictions[i]);
    }

    /// <summary>Adds an image.</summary>
    /// <param name="sample">As the evaluation's pipeline leaves it.</param>
    public void Write(Sample sample, Prediction prediction)
    {
        if (_task is DataTask.Detection or DataTask.Panoptic && !_ids.TryAdd(CocoResultWriter.IdOf(sample), sample.Name))
            throw new UserErrorException(
                $"{sample.Name} and {_ids[CocoResultWriter.IdOf(sample)]} have one id, {CocoResultWriter.IdOf(sample)}: results in COCO's "
                    + "format can't tell them apart."
            );
        Write(_encoder.Encode(sample, prediction));
    }

    /// <summary>Adds what was encoded elsewhere.</summary>
    internal void Write(EncodedPrediction image)
    {
        Line(image.Line);
        _images++;
        if (_maps is not null)
            File.WriteAllBytes(Path.Combine(Temporary(_maps), PredictionEncoder.MapOf(image.Index)), image.Beside);
        if (_results is null || image.Beside.Length == 0)
            return;
        _results.Write(_hasResults ? ",\n"u8 : "\n"u8);
        _results.Write(_task == DataTask.Panoptic ? PredictionEncoder.Annotation(image.Line) : image.Beside);
        _hasResults = true;
    }

    /// <summary>All images are there: the files get their names, in place of those of an earlier evaluation.</summary>
    /// <param name="metrics">The evaluation's values.</param>
    public void Complete(IReadOnlyDictionary<string, double> metrics)
    {
        Line(PredictionEncoder.Footer(_images, metrics));
        _results?.Write(_task == DataTask.Detection ? "\n]\n"u8 : PredictionEncoder.Categories(_data));
        Close();
        File.Delete(_file); // first: what lies beside it belongs to it
        Replace(PredictionFolder.BoxesOf(_file), _task == DataTask.Detection);
        Replace(PredictionFolder.MapsOf(_file), _task == DataTask.Segmentation);
        Replace(PredictionFolder.PanopticOf(_file), _task == DataTask.Panoptic);
        Replace(Path.ChangeExtension(PredictionFolder.PanopticOf(_file), null), _task == DataTask.Panoptic);
        File.Move(Temporary(_file), _file);
        _completed = true;
    }

    public void Dispose()
    {
        if (_completed)
            return;
        Quietly(_lines.Dispose); // what is still to be written may find the disk full
        Quietly(() => _results?.Dispose());
        Quietly(RemoveTemporary);
    }

    private static void Quietly(Action step)
    {
        try
        {
            step();
        }
        catch (Exception error) when (error is IOException or UnauthorizedAccessException)
        {
            // The reason that ended it matters more; the next evaluation removes what is left.
        }
    }

    private static bool IsFull(Exception error) => error is IOException full && AtomicFile.IsFull(full);

    private static string Temporary(string path) => path + AtomicFile.Temporary;

    private static FileStream Open(string path) => new(Temporary(path), FileMode.Create, FileAccess.Write, FileShare.Read, 1 << 16);

    private void Line(byte[] json)
    {
        _lines.Write(json);
        _lines.WriteByte((byte)'\n');
    }

    private void Close()
    {
        foreach (var stream in new[] { _lines, _results })
        {
            stream?.Flush(flushToDisk: true);
            stream?.Dispose();
        }
    }

    private static void Replace(string path, bool written)
    {
        if (Directory.Exists(path))
            Directory.Delete(path, recursive: true);
        File.Delete(path);
        if (!written)
            return;
        if (Directory.Exists(Temporary(path)))
            Directory.Move(Temporary(path), path);
        else
            File.Move(Temporary(path), path);
    }

    private void RemoveTemporary()
    {
        var panoptic = PredictionFolder.PanopticOf(_file);
        string[] all =
        [
            _file,
            PredictionFolder.BoxesOf(_file),
            PredictionFolder.MapsOf(_file),
            panoptic,
            Path.ChangeExtension(panoptic, null),
        ];
        foreach (var path in all.Select(Temporary))
            if (Directory.Exists(path))
                Directory.Delete(path, recursive: true);
            else
                File.Delete(path);
    }
}
