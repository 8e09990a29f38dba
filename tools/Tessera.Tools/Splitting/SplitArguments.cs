using System.CommandLine;
using System.Globalization;
using System.Text.RegularExpressions;
using Tessera.Datasets.Splitting;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Splitting;

/// <summary>What the parts are, as the command line says it.</summary>
internal static partial class SplitArguments
{
    public const string DefaultParts = "train=0.8,val=0.2";

    /// <summary>--group: rules that say which images are never parted (<see cref="SampleGroups.Add"/>).</summary>
    public static Option<string[]> Group() =>
        new("--group")
        {
            Description =
                "Images never to be parted: folder (those of one folder), duplicates (that show the same), name=REGEX (in whose names it "
                + "finds the same), table=FILE.csv:COLUMN (of one value there). Several rules hold together.",
            HelpName = "RULE",
            AllowMultipleArgumentsPerToken = true,
            DefaultValueFactory = _ => [],
        };

    /// <summary>"train=0.8,val=0.2", or in percent "train=80,val=20".</summary>
    /// <exception cref="UserErrorException">It is no such list.</exception>
    public static IReadOnlyList<SplitPart> Parts(string text)
    {
        var parts = new List<SplitPart>();
        foreach (var word in text.Split(',', StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries))
        {
            var at = word.IndexOf('=', StringComparison.Ordinal);
            if (
                at < 1
                || !double.TryParse(word[(at + 1)..], NumberStyles.Float, CultureInfo.InvariantCulture, out var share)
                || !(share > 0)
            )
                throw new UserErrorException($"--parts: \"{word}\" is no part; a name and a share were expected: {DefaultParts}.");
            if (!Name().IsMatch(word[..at]))
                throw new UserErrorException(
                    $"--parts: \"{word[..at]}\" can't be a list's name; letters, digits, \"-\" and \"_\" were expected."
                );
            parts.Add(new SplitPart(word[..at], share));
        }
        var inPercent = Math.Abs(parts.Sum(part => part.Share) - 100) < 1e-6;
        return inPercent ? parts.ConvertAll(part => part with { Share = part.Share / 100 }) : parts;
    }

    [GeneratedRegex("^[A-Za-z0-9_-]{1,64}$", RegexOptions.None, matchTimeoutMilliseconds: 1000)]
    private static partial Regex Name();
}
