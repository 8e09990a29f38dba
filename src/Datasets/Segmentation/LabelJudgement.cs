using System.Globalization;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Segmentation;

/// <summary>
/// What a data set's labels say as a whole, where every file by itself is in order: a class that no pixel has, ignored pixels
/// beyond reason, masks of 0 and 255 whose 255 was meant to be the class.
/// </summary>
internal sealed class LabelJudgement
{
    private const double MostIgnored = 0.5;
    private const int Named = 8;

    private readonly LabelTable _table;
    private readonly bool _implied;
    private readonly SortedDictionary<int, long> _values = [];

    /// <param name="implied">The table isn't written in the config: values are the classes' places, 255 is ignored.</param>
    public LabelJudgement(LabelTable table, bool implied, IEnumerable<LabelStatistics?> statistics)
    {
        (_table, _implied) = (table, implied);
        foreach (var found in statistics)
        {
            if (found is null)
                continue;
            foreach (var (value, pixels) in found.Histogram)
                _values[value] = _values.GetValueOrDefault(value) + pixels;
        }
    }

    /// <summary>A hint for values that no class claims: those that count from 1 instead of 0. Empty where they don't.</summary>
    public string CountsFromOne()
    {
        var classes = _table.Classes.Count;
        var unclaimed = _values.Keys.Where(value => ClassOf(value) is null).ToArray();
        return _implied && unclaimed is [var only] && only == classes && !_values.ContainsKey(0)
            ? $"The values seem to count from 1: no pixel is 0, and {classes} classes end at {classes - 1}. \"reduce_zero_label\": "
                + $"true makes 1 the first class."
            : "";
    }

    /// <returns>What is odd, but may be meant.</returns>
    /// <exception cref="UserErrorException">There are only 0 and 255, and nothing says that 255 is to be ignored: nothing could be
    /// learned.</exception>
    public IEnumerable<string> Notes()
    {
        var classes = new long[_table.Classes.Count];
        var ignored = new List<KeyValuePair<int, long>>();
        foreach (var (value, pixels) in _values)
        {
            if (ClassOf(value) is not { } index)
                continue;
            if (index == LabelTable.Ignore)
                ignored.Add(new(value, pixels));
            else
                classes[index] += pixels;
        }
        var all = classes.Sum() + ignored.Sum(entry => entry.Value);
        if (all == 0)
            yield break;
        if (IsBinary(ignored))
            throw new UserErrorException(Binary(classes, ignored[0].Value));

        var absent = Enumerable.Range(0, classes.Length).Where(c => classes[c] == 0).ToArray();
        if (absent.Length > 0)
        {
            yield return Absent(absent)
                + (ignored.Count == 0 ? "." : $"; {Ignored(ignored)}, which {(ignored.Count == 1 ? "is" : "are")} ignored.")
                + (
                    _implied && absent is [0] && classes.Length > 1
                        ? " If the values count from 1, \"reduce_zero_label\": true makes 1 the first class."
                        : ""
                );
        }
        var share = (double)ignored.Sum(entry => entry.Value) / all;
        if (share > MostIgnored && share < 1)
            yield return string.Create(
                CultureInfo.InvariantCulture,
                $"{share:P0} of all pixels are ignored ({Ignored(ignored)}): they are neither learned nor measured."
            );
    }

    /// <summary>0 and 255 alone, by a table that nobody wrote: whatever the number of classes, all that counts is the first.</summary>
    private bool IsBinary(List<KeyValuePair<int, long>> ignored) =>
        _implied && ignored is [{ Key: LabelTable.Ignore }] && _values.Count == 2 && _values.ContainsKey(0);

    private string Binary(long[] classes, long ignored)
    {
        var names = _table.Classes;
        var fault =
            names.Count == 2 ? $"no pixel is \"{names[1]}\""
            : names.Count == 1 ? $"every pixel is \"{names[0]}\" or ignored"
            : $"every pixel is \"{names[0]}\" or ignored, of {names.Count} classes";
        var (first, second) = names.Count == 1 ? ("background", names[0]) : (names[0], names[1]);
        var meant =
            (names.Count == 2 ? "" : $"\"classes\": [\"{first}\", \"{second}\"], ")
            + $"\"label_map\": {{ \"0\": \"{first}\", \"255\": \"{second}\" }}";
        var really = string.Join(", ", names.Take(Named).Select((name, i) => $"\"{i}\": \"{name}\"")) + (names.Count > Named ? ", …" : "");
        return string.Create(
                CultureInfo.InvariantCulture,
                $"{fault}; {ignored:N0} pixels are 255, which is ignored, and all others ({classes[0]:N0}) are 0. There would be "
                    + $"nothing to learn.\n"
            )
            + $"Masks of 0 and 255 mostly mean the second class by 255: {meant}. If 255 is to be ignored, say so: \"label_map\": "
            + $"{{ {really}, \"255\": \"ignore\" }}.";
    }

    private string Absent(int[] absent)
    {
        if (absent.Length == 1)
            return $"no pixel is \"{_table.Classes[absent[0]]}\"";
        var names = string.Join(", ", absent.Take(Named).Select(c => $"\"{_table.Classes[c]}\"")) + (absent.Length > Named ? ", …" : "");
        return $"no pixel is of {absent.Length} of the {_table.Classes.Count} classes: {names}";
    }

    private string Ignored(List<KeyValuePair<int, long>> ignored) =>
        string.Join(
            ", ",
            ignored
                .OrderByDescending(entry => entry.Value)
                .Take(Named)
                .Select(entry =>
                    string.Create(
                        CultureInfo.InvariantCulture,
                        $"{entry.Value:N0} {(entry.Value == 1 ? "is" : "are")} "
                            + $"{(entry.Key == LabelHistogram.Rest ? "of other colours" : _table.Name(entry.Key))}"
                    )
                )
        );

    private byte? ClassOf(int value) => _table.Find(value == LabelHistogram.Rest ? 1 << 24 : value);
}
