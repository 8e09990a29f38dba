using System.Globalization;

namespace Tessera.Framework.Visualization.Charts;

/// <summary>A scale with round ticks.</summary>
internal sealed class ChartAxis
{
    private const int MostDecades = 9;

    private readonly double _low,
        _high;
    private readonly bool _log;

    private ChartAxis(double low, double high, bool log, double[] ticks)
    {
        (_low, _high, _log, Ticks) = (low, high, log, ticks);
        Step = ticks.Length > 1 ? ticks[1] - ticks[0] : Math.Abs(high - low);
    }

    public double[] Ticks { get; }

    private double Step { get; }

    /// <param name="values">What must fit; those that are not finite (or, on a logarithmic scale, not positive) are passed over.</param>
    /// <param name="wanted">About how many ticks.</param>
    /// <param name="fromZero">0 is on the scale.</param>
    /// <param name="tight">The scale ends where the values do rather than at a tick.</param>
    public static ChartAxis Of(IEnumerable<double> values, int wanted, bool log = false, bool fromZero = false, bool tight = false)
    {
        var shown = values.Where(value => double.IsFinite(value) && (!log || value > 0)).ToArray();
        if (shown.Length == 0)
            shown = log ? [1, 10] : [0, 1];
        var (low, high) = (shown.Min(), shown.Max());
        if (log)
            return Logarithmic(low, high, wanted);
        if (fromZero)
            (low, high) = (Math.Min(low, 0), Math.Max(high, 0));
        if (high - low <= Math.Abs(high) * 1e-9)
            (low, high) = low == 0 ? (0, 1) : (low - Math.Abs(low) * 0.1, high + Math.Abs(high) * 0.1);
        var step = Round((high - low) / Math.Max(wanted, 1));
        var (from, to) = tight ? (low, high) : (Math.Floor(low / step + 1e-9) * step, Math.Ceiling(high / step - 1e-9) * step);
        var first = Math.Ceiling(from / step - 1e-9);
        var count = (int)(Math.Floor(to / step + 1e-9) - first) + 1;
        return new(from, to, false, [.. Enumerable.Range(0, Math.Max(count, 0)).Select(i => (first + i) * step)]);
    }

    /// <summary>Where a value lies: 0 at the low end, 1 at the high one.</summary>
    public double At(double value) =>
        _log ? (Math.Log(value) - Math.Log(_low)) / (Math.Log(_high) - Math.Log(_low)) : (value - _low) / (_high - _low);

    public bool Shows(double value) => double.IsFinite(value) && (!_log || value > 0);

    public string Label(double tick)
    {
        var size = Math.Max(Math.Abs(_low), Math.Abs(_high));
        if (_log)
            return Short(tick);
        if (size >= 1e5)
            return Short(tick);
        if (size < 1e-4)
            return Math.Abs(tick) < Step / 1e6 ? "0" : tick.ToString("0.##e0", CultureInfo.InvariantCulture);
        var decimals = Math.Clamp((int)Math.Ceiling(-Math.Log10(Step) - 1e-9), 0, 8);
        return (Math.Abs(tick) < Step / 1e6 ? 0 : tick).ToString("F" + decimals, CultureInfo.InvariantCulture);
    }

    private static string Short(double value)
    {
        var (unit, sign) = Math.Abs(value) switch
        {
            >= 1e9 => (1e9, "G"),
            >= 1e6 => (1e6, "M"),
            >= 1e4 => (1e3, "k"),
            _ => (1.0, ""),
        };
        return Math.Abs(value) is 0 or (>= 1e-3 and < 1e12)
            ? (value / unit).ToString("0.####", CultureInfo.InvariantCulture) + sign
            : value.ToString("0.##e0", CultureInfo.InvariantCulture);
    }

    private static ChartAxis Logarithmic(double low, double high, int wanted)
    {
        if (high <= low)
            (low, high) = (low / 2, high * 2);
        var (from, to) = (Math.Floor(Math.Log10(low) + 1e-9), Math.Ceiling(Math.Log10(high) - 1e-9));
        double[] steps =
            to - from <= 1 ? [1, 2, 3, 5]
            : to - from <= 3 ? [1, 2, 5]
            : [1];
        var every = Math.Max(1, (int)Math.Ceiling((to - from) / Math.Min(wanted, MostDecades)));
        var ticks = new List<double>();
        for (var decade = (int)from; decade <= to; decade += every)
            ticks.AddRange(steps.Select(step => step * Math.Pow(10, decade)).Where(tick => tick >= low * 0.999 && tick <= high * 1.001));
        return new(low, high, true, [.. ticks]);
    }

    private static double Round(double step)
    {
        var power = Math.Pow(10, Math.Floor(Math.Log10(step)));
        return (step / power) switch
        {
            <= 1.0001 => power,
            <= 2.0001 => 2 * power,
            <= 5.0001 => 5 * power,
            _ => 10 * power,
        };
    }
}
