using System.Globalization;
using System.Text.RegularExpressions;
using Tessera.Datasets;
using Tessera.Datasets.Classification;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Framework.Messages;
using Tessera.Tools.Output;
using Tessera.Tools.Statistics;

namespace Tessera.Tools.Splitting;

/// <summary>Samples that must not be parted: those of one folder, of one patient, copies of each other. What several rules say holds
/// together.</summary>
internal sealed class SampleGroups
{
    private static readonly TimeSpan s_longestMatch = TimeSpan.FromSeconds(1);

    private readonly Dataset _dataset;
    private readonly string[] _names;
    private readonly int[] _parents;

    /// <param name="rules">As <see cref="Add"/> takes them.</param>
    /// <exception cref="UserErrorException">There is no such rule, or one doesn't fit the data.</exception>
    public SampleGroups(Dataset dataset, IReadOnlyList<string> rules)
    {
        _dataset = dataset;
        _names = [.. Enumerable.Range(0, dataset.Count).Select(i => Subset.NameOf(dataset, i))];
        _parents = [.. Enumerable.Range(0, dataset.Count)];
        Join(i => _names[i]); // a list can't tell samples of one name apart
        foreach (var rule in rules)
            Add(rule);
    }

    /// <summary>What lists call the samples.</summary>
    public IReadOnlyList<string> Names => _names;

    /// <summary>The group of each sample.</summary>
    public int[] ToArray() => [.. Enumerable.Range(0, _parents.Length).Select(Root)];

    public int Count => Enumerable.Range(0, _parents.Length).Count(i => _parents[i] == i);

    /// <summary>The folder of a sample.</summary>
    /// <exception cref="UserErrorException">It lies in none.</exception>
    public string FolderOf(int index) =>
        _dataset.OriginOf(index) is var (origin, at) && origin.ListNameOf(at) is null
            ? throw new UserErrorException($"{origin.GetType().Name} has no files by sample, so its samples have no folders.")
            : _names[index][..Math.Max(0, _names[index].LastIndexOf('/'))];

    /// <summary>Adds a rule: "folder", "duplicates", "name=REGEX" or "table=FILE.csv:COLUMN".</summary>
    /// <exception cref="UserErrorException">There is no such rule, or it doesn't fit the data.</exception>
    private void Add(string rule)
    {
        if (rule == "folder")
            Join(FolderOf);
        else if (rule == "duplicates")
            JoinDuplicates();
        else if (rule.StartsWith("name=", StringComparison.Ordinal))
            JoinByName(rule["name=".Length..]);
        else if (rule.StartsWith("table=", StringComparison.Ordinal))
            JoinByTable(rule["table=".Length..]);
        else
            throw new UserErrorException(
                $"--group {rule}: there is no such rule.{NearestName.Suggest(rule, ["folder", "duplicates"])} There are "
                    + "folder, duplicates, name=REGEX and table=FILE.csv:COLUMN."
            );
    }

    private void JoinDuplicates()
    {
        var prints = Survey.Run(_dataset, fingerprints: true, new Advance("looking for duplicates").Report).Select(facts => facts.Print);
        var pairs = Duplicates.Find([.. prints]);
        if (pairs.Count >= Duplicates.MostPairs)
            ToolConsole.Current.Warning(
                string.Create(
                    CultureInfo.InvariantCulture,
                    $"--group duplicates: there are more than {Duplicates.MostPairs:N0} pairs; those beyond are not kept together."
                )
            );
        foreach (var pair in pairs)
            Join(pair.First, pair.Second);
        ToolConsole.Current.Note($"{Counted.Of(pairs.Count, "pair")} of images that show the same, kept together.");
    }

    private void JoinByName(string pattern)
    {
        Regex regex;
        try
        {
            regex = new Regex(pattern, RegexOptions.CultureInvariant, s_longestMatch);
        }
        catch (ArgumentException e)
        {
            throw new UserErrorException($"--group name={pattern}: not a regular expression: {e.Message}", e);
        }
        var keys = new string?[_names.Length];
        for (var i = 0; i < keys.Length; i++)
        {
            try
            {
                if (regex.Match(_names[i]) is { Success: true } match)
                    keys[i] = match.Groups.Count > 1 ? match.Groups[1].Value : match.Value;
            }
            catch (RegexMatchTimeoutException e)
            {
                throw new UserErrorException($"--group name={pattern}: it takes more than a second on \"{_names[i]}\".", e);
            }
        }
        var lone = keys.Count(key => key is null);
        if (lone == keys.Length)
            throw new UserErrorException($"--group name={pattern} is found in no name; the first is \"{_names[0]}\".");
        if (lone > 0)
            ToolConsole.Current.Warning(
                $"--group name={pattern} isn't found in {Counted.Of(lone, "name")}, such as \"{_names[Array.IndexOf(keys, null)]}\"; "
                    + "each is a group of its own."
            );
        Join(i => keys[i]);
    }

    /// <summary>By a column of a table that names the images in another.</summary>
    private void JoinByTable(string text)
    {
        var at = text.LastIndexOf(':');
        if (at < 1 || at == text.Length - 1)
            throw new UserErrorException($"--group table={text}: a file and a column were expected: table=patients.csv:patient.");
        var values = new GroupTable(text[..at], text[(at + 1)..]);
        var lone = Enumerable.Range(0, _names.Length).Where(i => values.Find(_names[i]) is null).ToArray();
        if (lone.Length > 0)
            throw new UserErrorException(
                $"{text[..at]}: {Counted.Of(lone.Length, "image")} of {_names.Length} have no row:\n  "
                    + string.Join("\n  ", lone.Take(6).Select(i => _names[i]).Concat(lone.Length > 6 ? ["…"] : []))
            );
        Join(i => values.Find(_names[i]) is { Length: > 0 } value ? value : null);
    }

    private void Join(Func<int, string?> keyOf)
    {
        var first = new Dictionary<string, int>(StringComparer.Ordinal);
        for (var i = 0; i < _names.Length; i++)
            if (keyOf(i) is { } key && !first.TryAdd(key, i))
                Join(first[key], i);
    }

    private void Join(int a, int b) => _parents[Root(Math.Max(a, b))] = Root(Math.Min(a, b));

    private int Root(int index)
    {
        while (_parents[index] != index)
            index = _parents[index] = _parents[_parents[index]];
        return index;
    }
}
