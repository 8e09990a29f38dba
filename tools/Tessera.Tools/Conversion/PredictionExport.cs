using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Tools.Output;

namespace Tessera.Tools.Conversion;

/// <summary>Writes predictions as annotations, to be corrected by hand and trained on.</summary>
internal sealed class PredictionExport
{
    private readonly PredictionFormat _format;
    private readonly string _folder,
        _images;
    private readonly DataInfo _data;
    private readonly double _leastScore;
    private readonly IReadOnlyDictionary<string, double>? _thresholds;
    private readonly OutputNames _names;
    private readonly List<AnnotatedImage> _read = [];
    private readonly List<float[]> _scores = [];

    /// <param name="input">An image, or the folder of the images.</param>
    /// <param name="files">All images that there may be.</param>
    /// <param name="leastScore">Boxes that score less are left out.</param>
    /// <param name="thresholds">Of several labels: by class name, the score from which on it is predicted. Without: 0.5.</param>
    /// <exception cref="UserErrorException">The format can't hold what the model predicts.</exception>
    public PredictionExport(
        PredictionFormat format,
        string folder,
        string input,
        IReadOnlyCollection<string> files,
        DataInfo data,
        double leastScore,
        IReadOnlyDictionary<string, double>? thresholds = null
    )
    {
        var fits =
            data.Task == DataTask.Detection
            || (format == PredictionFormat.Labelme && data.Task is DataTask.Classification or DataTask.MultiLabel);
        var what = format == PredictionFormat.Labelme ? "boxes and class labels" : "boxes";
        if (!fits)
            throw new UserErrorException(
                $"--format {format.ToString().ToLowerInvariant()} is for {what}; the model is for {TaskNames.Of(data.Task)} data. "
                    + "csv and jsonl hold classes and numbers."
            );
        (_format, _folder, _data, _leastScore, _thresholds) = (format, folder, data, leastScore, thresholds);
        _images = Directory.Exists(input) ? input : Path.GetDirectoryName(Path.GetFullPath(input))!;
        _names = new OutputNames(files);
    }

    /// <summary>What is written, for people.</summary>
    public string Target =>
        _format switch
        {
            PredictionFormat.Coco => Path.Combine(_folder, "annotations.json"),
            PredictionFormat.Yolo => Path.Combine(_folder, "yolo", "labels"),
            _ => Path.Combine(_folder, "labelme"),
        };

    public void Write(string path, Prediction prediction)
    {
        var image = Annotated(path, prediction as DetectionPrediction);
        var file = Path.Combine(Target, _names[path]);
        if (_format == PredictionFormat.Yolo)
            YoloWriter.Write(image, file + ".txt");
        else if (_format == PredictionFormat.Labelme)
            LabelMeWriter.Write(path, image, _scores[^1], prediction as ClassPrediction, _data, _thresholds, file + ".json");
        else
            _read.Add(image);
        if (_format != PredictionFormat.Coco)
            _scores.Clear();
    }

    /// <summary>Writes what belongs to all images.</summary>
    public void Complete()
    {
        if (_format == PredictionFormat.Coco)
            CocoWriter.Write(new AnnotationSet(_data.Classes, _data.CategoryIds, _read), Target, _scores);
        else if (_format == PredictionFormat.Yolo)
            YoloWriter.WriteNames(_data.Classes, Path.Combine(_folder, "yolo", "classes.txt"));
    }

    private AnnotatedImage Annotated(string path, DetectionPrediction? found)
    {
        var size = ImageCodec.Open(ImageCodec.ReadFile(path), path, new DecodeOptions(ColorType.Grayscale));
        var (objects, scores) = (new List<AnnotatedObject>(), new List<float>());
        for (var i = 0; i < (found?.Labels.Length ?? 0); i++)
        {
            if (!(found!.Scores[i] >= _leastScore))
                continue;
            var box = found.Corners.AsSpan(4 * i, 4);
            var mask = found.Masks?[i];
            objects.Add(
                new AnnotatedObject(box[0], box[1], box[2] - box[0], box[3] - box[1], found.Labels[i])
                {
                    Mask = mask is { IsEmpty: false } ? ObjectMask.Of(mask) : null,
                    Area = mask?.Area,
                }
            );
            scores.Add(found.Scores[i]);
        }
        _scores.Add([.. scores]);
        var name = Path.GetRelativePath(_images, path).Replace('\\', '/');
        return new AnnotatedImage(name, size.Height, size.Width, objects);
    }
}
