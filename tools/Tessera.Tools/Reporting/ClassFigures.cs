using System.Globalization;
using Tessera.Framework.Data;
using Tessera.Framework.Metrics;

namespace Tessera.Tools.Reporting;

/// <summary>What a confusion matrix says of one class.</summary>
/// <param name="Truth">How many there are: images, pixels or objects.</param>
/// <param name="Predicted">How many are taken for the class.</param>
/// <param name="Right">Both.</param>
/// <param name="Confusion">The class that it is taken for most often otherwise, with the share; empty where it never is.</param>
internal sealed record ClassFigures(string Name, long Truth, long Predicted, long Right, string Confusion)
{
    /// <summary>NaN where nothing is predicted.</summary>
    public double Precision => (double)Right / Predicted;

    /// <summary>NaN where there is none.</summary>
    public double Recall => (double)Right / Truth;

    public double F1 => 2.0 * Right / (Truth + Predicted);

    public double IoU => (double)Right / (Truth + Predicted - Right);

    /// <summary>One for each class; not for the background of boxes.</summary>
    public static ClassFigures[] Of(ConfusionMatrixMetric matrix, DataInfo data)
    {
        var (counts, names) = (matrix.Counts, matrix.Names);
        return [.. data.Classes.Select((name, c) => One(name, c))];

        ClassFigures One(string name, int c)
        {
            var (truth, predicted, most) = (0L, 0L, -1);
            for (var other = 0; other < names.Count; other++)
            {
                truth += counts[c, other];
                predicted += counts[other, c];
                if (other != c && counts[c, other] > 0 && (most < 0 || counts[c, other] > counts[c, most]))
                    most = other;
            }
            var confusion =
                most < 0 ? "" : string.Create(CultureInfo.InvariantCulture, $"{names[most]} {100.0 * counts[c, most] / truth:0.#} %");
            return new ClassFigures(name, truth, predicted, counts[c, c], confusion);
        }
    }
}
