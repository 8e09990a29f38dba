using System.Globalization;
using Tessera.Framework.Errors;

namespace Tessera.Tools.PseudoLabels;

/// <summary>Numbers of the command line, with commas between them.</summary>
internal static class NumberList
{
    /// <exception cref="UserErrorException">One is no number, out of bounds, or given twice.</exception>
    public static double[] Parse(string option, string text, double least, double most)
    {
        var numbers = text.Split(',').Select(part => Number(part.Trim())).ToArray();
        return numbers.Distinct().Count() == numbers.Length
            ? numbers
            : throw new UserErrorException($"{option} is \"{text}\", which names a number twice.");

        double Number(string part) =>
            double.TryParse(part, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && value >= least && value <= most
                ? value
                : throw new UserErrorException(
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{option} is \"{text}\"; numbers from {least} to {most} with commas between them were expected: 0.5,1,1.5."
                    )
                );
    }
}
