using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Files;
using Tessera.Framework.Models;
using Tessera.Pictures;
using Tessera.Results;
using Tessera.Tools.Conversion;
using Tessera.Tools.Output;

namespace Tessera.Tools.Commands;

/// <summary>Predicts images, onto the console or into a folder.</summary>
internal sealed class PredictRun
{
    private readonly Predictor _predictor;
    private readonly string _input;
    private readonly string[] _files;
    private readonly double? _score;
    private readonly List<(string Path, string Reason)> _unreadable = [];

    /// <param name="input">An image, or the folder of the images.</param>
    /// <param name="score">Boxes that score less are left out; null: where they would cover a picture.</param>
    public PredictRun(Predictor predictor, string input, string[] files, double? score) =>
        (_predictor, _input, _files, _score) = (predictor, input, files, score);

    /// <summary>A line for each image.</summary>
    public void Print()
    {
        Predict(prints: true);
        RequireSome();
    }

    /// <exception cref="UserErrorException">The format can't hold what the model predicts.</exception>
    public void Write(string folder, PredictionFormat format)
    {
        var pictures = new PredictionPictures(Path.Combine(folder, "pictures"), _files, _predictor.Data, Original, _score);
        if (_predictor.Data.Task == DataTask.Segmentation)
        {
            if (format != PredictionFormat.Jsonl)
                throw new UserErrorException(
                    "--format is for boxes, classes and numbers; label maps are written as PNGs of class indices."
                );
            Predict(new PredictionMaps(Path.Combine(folder, "maps"), _files, _predictor.Data).Write, pictures);
            ToolConsole.Current.Note(folder);
        }
        else if (_predictor.Data.Task == DataTask.Panoptic)
            WritePanoptic(Path.Combine(folder, "panoptic.json"), format, pictures);
        else if (format is PredictionFormat.Jsonl or PredictionFormat.Csv)
            WriteText(Path.Combine(folder, $"predictions.{format.ToString().ToLowerInvariant()}"), format, pictures);
        else
        {
            var least = _score ?? PredictionDrawing.UsualScore;
            var export = new PredictionExport(format, folder, _input, _files, _predictor.Data, least, _predictor.Thresholds);
            Predict(export.Write, pictures);
            RequireSome();
            export.Complete();
            ToolConsole.Current.Note(export.Target);
        }
        RequireSome();
    }

    private void WritePanoptic(string file, PredictionFormat format, PredictionPictures pictures)
    {
        if (format != PredictionFormat.Jsonl)
            throw new UserErrorException(
                "--format is for boxes, classes and numbers; panoptic maps are written in COCO's format, as a JSON file and PNGs."
            );
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(file))!);
        using var maps = new PanopticMaps(file, _files, _predictor.Data);
        var places = _files.Index().ToDictionary(entry => entry.Item, entry => entry.Index, StringComparer.Ordinal);
        Predict((path, prediction) => maps.Write(new Sample { Index = places[path], Name = path }, prediction), pictures);
        RequireSome();
        maps.Complete();
        ToolConsole.Current.Note(file);
    }

    private void WriteText(string path, PredictionFormat format, PredictionPictures pictures)
    {
        Directory.CreateDirectory(Path.GetDirectoryName(Path.GetFullPath(path))!);
        var leavesMasksOut = false;
        AtomicFile.Write(
            path,
            stream =>
            {
                using var writer = new StreamWriter(stream, leaveOpen: true);
                if (format == PredictionFormat.Csv)
                {
                    var table = new PredictionTable(writer, _predictor.Data, _predictor.Thresholds);
                    Predict(
                        (name, prediction) =>
                        {
                            table.Write(name, prediction);
                            leavesMasksOut |= prediction is DetectionPrediction { Masks.Count: > 0 };
                        },
                        pictures
                    );
                }
                else
                {
                    var lines = new PredictionLines(writer, _predictor.Data, _predictor.Thresholds);
                    Predict((name, prediction) => lines.Write(name, prediction), pictures);
                }
                RequireSome();
            }
        );
        ToolConsole.Current.Note(path);
        if (leavesMasksOut)
            ToolConsole.Current.Note("Masks have no place in a table; --format jsonl and coco hold them.");
    }

    private void Predict(Action<string, Prediction>? write = null, PredictionPictures? pictures = null, bool prints = false)
    {
        var advance = new Advance("predicting");
        var done = 0;
        foreach (var (path, prediction) in _predictor.Predict(_files, (path, reason) => _unreadable.Add((path, reason))))
        {
            if (prints || _files.Length == 1)
                ToolConsole.Current.Line(Describe(path, Result.Of(prediction, _predictor.Data, _predictor.Thresholds)));
            write?.Invoke(path, prediction);
            if (prediction is SegmentationPrediction or PanopticPrediction or DetectionPrediction or ClassPrediction { Parts: not null })
                pictures?.Write(new Sample { Index = 0, Name = path }, prediction);
            if (!prints)
                advance.Report(++done, _files.Length);
        }
    }

    private void RequireSome()
    {
        if (_unreadable.Count < _files.Length)
            return;
        var (path, reason) = _unreadable[0];
        throw new UserErrorException(
            _files.Length == 1
                ? SkippedSample.Reason(path, reason)
                : $"{_input}\n  None of its {_files.Length} images can be read. The first: {SkippedSample.Reason(path, reason)}"
        );
    }

    /// <summary>Names the images that could not be read.</summary>
    public void TellUnreadable()
    {
        foreach (var (path, reason) in _unreadable)
            ToolConsole.Current.Note(SkippedSample.Line(path, reason));
        if (_unreadable.Count > 0)
            ToolConsole.Current.Note(
                $"{_files.Length - _unreadable.Count} of {_files.Length} images are predicted; {_unreadable.Count} can't be read."
            );
    }

    private static Sample Original(Sample sample) =>
        new()
        {
            Index = 0,
            Name = sample.Name,
            ReadFile = () => File.ReadAllBytes(sample.Name),
        };

    private static string Describe(string path, Result result) =>
        result switch
        {
            Classification classes => Line(path, classes.Ranked.Take(3).Select(entry => Text($"{entry.Name} {entry.Score:0.000}"))),
            Regression numbers => Line(path, numbers.Values.Select(entry => Text($"{entry.Name} {entry.Value:0.####}"))),
            ImageMeasure measure => $"{path}  {Text($"{measure.Name} {measure.Value:0.####}")}",
            Segmentation map => Line(path, map.Shares().Take(5).Select(entry => Text($"{entry.Name} {100 * entry.Share:0.0} %"))),
            PanopticSegments { Segments: [] } => $"{path}  nothing found",
            PanopticSegments { Segments: var segments } => Line(
                path,
                segments.Take(5).Select(entry => Text($"{entry.ClassName} {100 * entry.Share:0.0} %"))
            ) + (segments.Count > 5 ? Text($"  and {segments.Count - 5} more") : ""),
            Detections { Objects.Count: 0 } => $"{path}  nothing found",
            Detections { Objects: var found } => Line(path, found.Take(5).Select(Describe))
                + (found.Count > 5 ? Text($"  and {found.Count - 5} more") : ""),
            _ => path,
        };

    private static string Describe(Detection found) =>
        Text($"{found.ClassName} {found.Score:0.000} ({found.Box.X1:0.#}, {found.Box.Y1:0.#}, {found.Box.X2:0.#}, {found.Box.Y2:0.#})");

    private static string Line(string path, IEnumerable<string> entries) => $"{path}  {string.Join("  ", entries)}";

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}
