using System.Globalization;
using System.Text;
using Tessera.Framework.Files;

namespace Tessera.Tools.Experiments;

/// <summary>What a run of a cell costs. Not in summary.json, which is the same however often the sweep was stopped.</summary>
/// <param name="Parameters">Of the model.</param>
/// <param name="Trained">Of these, those that were trained.</param>
/// <param name="Seconds">Mean over runs of the time since each was begun or resumed last.</param>
/// <param name="PeakMemory">Mean over runs, of the process, in MB.</param>
internal sealed record SweepCosts(long Parameters, long Trained, double Seconds, double PeakMemory)
{
    /// <summary>The file's name.</summary>
    public const string FileName = "costs.csv";

    /// <returns>Zeros where no run of the cell has ended.</returns>
    public static SweepCosts Of(CellResult cell)
    {
        var runs = cell.Trained.Select(run => run.Result).ToArray();
        return runs.Length == 0
            ? new SweepCosts(0, 0, 0, 0)
            : new SweepCosts(
                runs[0].Parameters,
                runs[0].TrainedParameters,
                runs.Average(run => run.Seconds),
                runs.Average(run => run.PeakMemory)
            );
    }

    /// <summary>One row a cell, in this order.</summary>
    public static void Write(string path, IEnumerable<CellResult> cells)
    {
        var text = new StringBuilder("cell,parameters,trained_parameters,seconds,peak_memory_mb\n");
        foreach (var cell in cells)
        {
            var costs = Of(cell);
            text.Append(
                CultureInfo.InvariantCulture,
                $"{cell.Cell.Name},{costs.Parameters},{costs.Trained},{costs.Seconds:0.0},{costs.PeakMemory:0}\n"
            );
        }
        AtomicFile.WriteText(path, text.ToString());
    }

    /// <summary>As a row of a table.</summary>
    public string[] Shown(string cell) => [cell, Grouped(Parameters), Grouped(Trained), Text(Seconds, "0.0"), Text(PeakMemory, "0")];

    private static string Text(double number, string format) => number.ToString(format, CultureInfo.InvariantCulture);

    private static string Grouped(long number) => number.ToString("#,0", CultureInfo.InvariantCulture);
}
