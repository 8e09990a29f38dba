using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Models;
using Tessera.Results;

namespace Tessera.Tools.Conversion;

/// <summary>Predictions as comma-separated values (RFC 4180): a row for each box; or for each image, with a column for each class or
/// target.</summary>
internal sealed class PredictionTable
{
    private readonly TextWriter _writer;
    private readonly DataInfo _data;
    private readonly IReadOnlyDictionary<string, double>? _thresholds;

    /// <param name="thresholds">Of several labels: by class name, the score from which on it is predicted. Without: 0.5.</param>
    public PredictionTable(TextWriter writer, DataInfo data, IReadOnlyDictionary<string, double>? thresholds = null)
    {
        (_writer, _data, _thresholds) = (writer, data, thresholds);
        Row(
            data.Task switch
            {
                DataTask.Detection => ["image", "class", "score", "x1", "y1", "x2", "y2"],
                DataTask.Regression => ["image", .. data.Classes],
                _ => ["image", "predicted", .. data.Classes],
            }
        );
    }

    public void Write(string name, Prediction prediction)
    {
        switch (prediction)
        {
            case DetectionPrediction found:
                for (var i = 0; i < found.Labels.Length; i++)
                    Row([name, _data.Classes[found.Labels[i]], Text(found.Scores[i]), .. found.Corners.Skip(4 * i).Take(4).Select(Text)]);
                break;
            case RegressionPrediction values:
                Row([name, .. values.Values.Select(Text)]);
                break;
            case ClassPrediction classes:
                Row([name, Predicted(classes), .. classes.Scores.Select(Text)]);
                break;
            default:
                throw new UserErrorException($"--format csv can't hold a {prediction.GetType().Name}.");
        }
    }

    private string Predicted(ClassPrediction classes)
    {
        var present = Classification.PresentIn(classes, _data, _thresholds);
        return string.Join(';', _data.Classes.Where((_, c) => present.Contains(c)));
    }

    private void Row(IEnumerable<string> cells) => _writer.Write(string.Join(',', cells.Select(Quoted)) + "\r\n");

    private static string Quoted(string cell) =>
        cell.AsSpan().IndexOfAny("\",\r\n") < 0 ? cell : $"\"{cell.Replace("\"", "\"\"", StringComparison.Ordinal)}\"";

    private static string Text(float value) => float.IsFinite(value) ? value.ToString("R", CultureInfo.InvariantCulture) : "";
}
