using System.Globalization;

namespace Tessera.Tools.Costs;

/// <summary>Large numbers as a person reads them.</summary>
internal static class CostText
{
    public static string Short(double value) =>
        Math.Abs(value) switch
        {
            >= 1e12 => Digits(value / 1e12) + " T",
            >= 1e9 => Digits(value / 1e9) + " G",
            >= 1e6 => Digits(value / 1e6) + " M",
            >= 1e3 => Digits(value / 1e3) + " k",
            _ => value.ToString("0", CultureInfo.InvariantCulture),
        };

    public static string Bytes(double bytes) =>
        bytes switch
        {
            >= 1L << 30 => Digits(bytes / (1L << 30)) + " GiB",
            >= 1 << 20 => Digits(bytes / (1 << 20)) + " MiB",
            _ => Digits(bytes / 1024) + " KiB",
        };

    private static string Digits(double value) =>
        value.ToString(
            Math.Abs(value) >= 100 ? "0"
                : Math.Abs(value) >= 10 ? "0.0"
                : "0.00",
            CultureInfo.InvariantCulture
        );
}
