using System.Globalization;

namespace Tessera.Tools.Doctor;

/// <summary>How a training went.</summary>
internal sealed class OverfitCourse(TimeSpan began)
{
    private const double Enough = 0.05; // of the first loss

    public int Steps { get; set; }

    public double First { get; private set; } = double.NaN;

    public double Last { get; private set; } = double.NaN;

    public List<string> Curve { get; } = [];

    public TimeSpan Took { get; private set; }

    /// <summary>The share that is right; null where no accuracy is measured.</summary>
    public double? Score { get; private set; }

    /// <summary>The text of a loss that stood still; null where none did.</summary>
    public string? Standstill { get; set; }

    public bool Learned => IsLow && Score is null or >= 0.999;

    private bool IsLow => Last < Enough * First;

    /// <summary>Notes a loss.</summary>
    /// <returns>Whether there is nothing more to see.</returns>
    public bool See(double loss, Func<double?> score)
    {
        Last = loss;
        if (double.IsNaN(First))
            First = loss;
        if ((Steps & (Steps - 1)) == 0)
            Curve.Add(string.Create(CultureInfo.InvariantCulture, $"{Steps}: {loss:0.000}"));
        return !double.IsFinite(loss) || (IsLow && score() is null or >= 0.999);
    }

    public OverfitCourse End(TimeSpan now, double? score)
    {
        (Took, Score) = (now - began, score);
        return this;
    }
}
