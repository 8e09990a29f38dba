using System.Globalization;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Experiments;

/// <summary>Seeds as a user types them.</summary>
internal static class SeedList
{
    /// <summary>More trainings than anybody means.</summary>
    public const int Most = 1000;

    /// <summary>So many from the first on.</summary>
    /// <param name="option">For the message.</param>
    public static IReadOnlyList<long> From(long first, int count, string option) =>
        count is >= 1 and <= Most
            ? [.. Enumerable.Range(0, count).Select(i => first + i)]
            : throw new UserErrorException($"{option} is {count}; a number from 1 to {Most} was expected.");

    /// <summary>"3,4,7".</summary>
    /// <exception cref="UserErrorException">It is no list of different numbers.</exception>
    public static IReadOnlyList<long> Parse(string text)
    {
        var seeds = text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
            .Select(part => long.TryParse(part, NumberStyles.None, CultureInfo.InvariantCulture, out var seed) ? seed : -1)
            .ToArray();
        if (seeds.Length is 0 or > Most || seeds.Any(seed => seed < 0))
            throw new UserErrorException($"--seeds is \"{text}\"; whole numbers from 0 were expected, with commas between them: 0,1,2.");
        if (seeds.Distinct().Count() < seeds.Length)
            throw new UserErrorException($"--seeds is \"{text}\": a seed stands there twice. The same seed gives the same run.");
        return seeds;
    }
}
