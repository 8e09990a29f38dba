using System.Globalization;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Classification;

/// <param name="Path">The list: .csv or .tsv with a header line, .jsonl with an object a line, or .json with an array of objects (or an
/// object that holds "samples" and "classes").</param>
/// <param name="Root">The folder or .zip archive that the images' paths start from; by default the list's own folder.</param>
/// <param name="Task">classification, multi_label or regression; by default told by the options below and the columns present.</param>
/// <param name="Classes">Names in index order; by default the list's own, or those that occur, sorted (ordinal order).</param>
/// <param name="ImageColumn">The column (or key) of the image's path.</param>
/// <param name="LabelColumn">The column of the one label: a class name or an index.</param>
/// <param name="LabelsColumn">The column of several labels: an array in JSON, otherwise text with <paramref name="Separator"/> between
/// them.</param>
/// <param name="TargetColumns">The columns of regression targets.</param>
/// <param name="Separator">Between several labels in one text.</param>
/// <param name="AllowOutside">Let a path lead out of the root: absolute, or with "..".</param>
/// <param name="List">A text file that names the images to take, one a line; looked for below root, then in the working folder. By default
/// all. Classes are those of all rows.</param>
public sealed record ImageListOptions(
    string Path,
    string? Root = null,
    DataTask? Task = null,
    string[]? Classes = null,
    string ImageColumn = "image",
    string LabelColumn = "label",
    string LabelsColumn = "labels",
    string[]? TargetColumns = null,
    string Separator = ";",
    bool AllowOutside = false,
    string? List = null
);

/// <summary>Images and their labels, several labels or regression targets, from a CSV or JSON list.</summary>
[Component("ImageList")]
public sealed class ImageList : Dataset
{
    private const int MaxUnnamedClasses = 100_000;

    private readonly ImageListOptions _options;
    private readonly FileStore _files;
    private readonly string[] _images;
    private readonly int[][] _labels = [];
    private readonly float[][] _targets = [];
    private readonly string? _zeros;

    public ImageList(ImageListOptions options)
    {
        _options = options;
        if (!File.Exists(options.Path))
            throw FileStore.Missing(options.Path);
        var list = ListFile.Read(options.Path);
        if (list.Rows.Count == 0)
            throw new UserErrorException($"{options.Path} lists no images.");
        var task = TaskOf(list);
        _files = FileStore.Open(options.Root ?? System.IO.Path.GetDirectoryName(System.IO.Path.GetFullPath(options.Path))!);
        string[] all = [.. list.Rows.Select(ImageOf)];
        int[] taken = options.List is { } names ? SampleList.Read(_files, names, all) : [.. Enumerable.Range(0, all.Length)];
        _images = [.. taken.Select(i => all[i])];
        if (task == DataTask.Regression)
        {
            if (options.TargetColumns is not { Length: > 0 } columns)
                throw new UserErrorException("ImageList: regression needs target_columns, the columns of the targets.");
            _targets = [.. taken.Select(i => TargetsOf(list.Rows[i], columns))];
            Info = new DataInfo(columns, task);
            return;
        }
        var column = task == DataTask.MultiLabel ? options.LabelsColumn : options.LabelColumn;
        var words = list.Rows.Select(row => Array.ConvertAll(WordsOf(row, column, task), ClassNames.Normalize)).ToArray();
        string[] classes = [.. ClassNames.Normalize(options.Classes ?? list.Classes ?? ClassesFrom(list.Rows, words))];
        if (classes.Distinct().Count() < classes.Length)
            throw new UserErrorException($"{options.Path}: the class names hold one twice.");
        if (classes.Length == 0)
            throw new UserErrorException($"{options.Path}: no image has a label, and no classes are given.");
        var indices = classes
            .Select((name, index) => (name, index))
            .ToDictionary(pair => pair.name, pair => pair.index, StringComparer.Ordinal);
        _labels = [.. taken.Select(i => Array.ConvertAll(words[i], word => IndexOf(list.Rows[i], word, classes, indices)))];
        Info = new DataInfo(classes, task);
        _zeros = LeadingZeros(words, indices);
    }

    public override int Count => _images.Length;

    public override DataInfo Info { get; }

    public override Sample Get(int index)
    {
        var name = _images[index];
        var sample = new Sample
        {
            Index = index,
            Name = Describe(name),
            ReadFile = () => Read(name),
        };
        if (Info.Task == DataTask.Regression)
        {
            sample.Truth.Targets = (float[])_targets[index].Clone();
        }
        else if (Info.Task == DataTask.Classification)
        {
            sample.Truth.Label = _labels[index][0];
        }
        else
        {
            sample.Truth.MultiLabel = new float[Info.Classes.Count];
            foreach (var label in _labels[index])
                sample.Truth.MultiLabel[label] = 1;
        }
        return sample;
    }

    public override int? LabelOf(int index) => Info.Task == DataTask.Classification ? _labels[index][0] : null;

    public override IReadOnlyList<int>? LabelsOf(int index) => Info.Task == DataTask.Regression ? null : _labels[index];

    public override string? ListNameOf(int index) => _images[index];

    public override string? SyntheticSource => SyntheticMarker.Above(_files, _images);

    /// <exception cref="UserErrorException">Images that don't exist, the first by name.</exception>
    public override IReadOnlyList<string> Check(Action<int, int>? advance = null)
    {
        var missing = Enumerable
            .Range(0, Count)
            .AsParallel()
            .AsOrdered()
            .Where(i => !(System.IO.Path.IsPathRooted(_images[i]) ? File.Exists(_images[i]) : _files.Contains(_images[i])))
            .ToArray();
        if (missing.Length == 0)
            return
            [
                .. base.Check(advance),
                .. _zeros is null ? [] : (IEnumerable<string>)[$"{_options.Path}: {_zeros}"],
                .. ListNotes.Of(Info, _options, _images, _labels, _targets).Select(note => $"{_options.Path}: {note}"),
                .. PixelDepth.Notes(this),
            ];
        throw new UserErrorException(
            string.Create(CultureInfo.InvariantCulture, $"{_options.Path}: {missing.Length:N0} of its {Count:N0} images don't exist:\n  ")
                + string.Join("\n  ", missing.Take(6).Select(i => Describe(_images[i])).Concat(missing.Length > 6 ? ["…"] : []))
        );
    }

    /// <summary>Labels such as "007" are names or numbers; where they count as numbers, that is worth saying.</summary>
    private static string? LeadingZeros(string[][] words, Dictionary<string, int> classes)
    {
        var written = words
            .SelectMany(of => of)
            .Where(word => word.Length > 1 && word[0] == '0' && word.All(char.IsAsciiDigit) && !classes.ContainsKey(word))
            .Distinct(StringComparer.Ordinal)
            .ToArray();
        if (written.Length == 0)
            return null;
        var plain = words.SelectMany(of => of).ToHashSet(StringComparer.Ordinal);
        var twin = Array.Find(written, word => plain.Contains(word.TrimStart('0') is { Length: > 0 } rest ? rest : "0"));
        return $"labels are written with leading zeros "
            + $"({string.Join(", ", written.Take(5).Select(word => $"\"{word}\""))}{(written.Length > 5 ? ", …" : "")}) and are taken "
            + $"as numbers, which count from 0: \"{written[0]}\" is class {int.Parse(written[0], CultureInfo.InvariantCulture)}."
            + (twin is null ? "" : $" \"{twin}\" and \"{twin.TrimStart('0')}\" are one class.")
            + " If they are names, list them in \"classes\".";
    }

    // An absolute path stands for itself; the store serves what lies below the root.
    private string Describe(string name) => System.IO.Path.IsPathRooted(name) ? name : _files.Describe(name);

    private ReadOnlyMemory<byte> Read(string name)
    {
        if (!System.IO.Path.IsPathRooted(name))
            return _files.Read(name);
        var folder = System.IO.Path.GetDirectoryName(name)!;
        if (!File.Exists(name))
            throw new UserErrorException($"{name} doesn't exist.");
        return FileStore.Open(folder).Read(System.IO.Path.GetFileName(name));
    }

    private DataTask TaskOf(ListFile list)
    {
        var task =
            _options.Task
            ?? (
                _options.TargetColumns is { Length: > 0 } ? DataTask.Regression
                : list.Columns.Contains(_options.LabelsColumn) ? DataTask.MultiLabel
                : DataTask.Classification
            );
        return task is DataTask.Classification or DataTask.MultiLabel or DataTask.Regression
            ? task
            : throw new UserErrorException($"ImageList serves classification, multi_label and regression, not {TaskNames.Of(task)}.");
    }

    private string ImageOf(ListRow row)
    {
        var values = row.Values(_options.ImageColumn);
        if (values is not [{ Length: > 0 } path])
            throw row.Error($"no image: expected a path in \"{_options.ImageColumn}\".{row.Columns(_options.ImageColumn)}");
        if (path.Contains('\0', StringComparison.Ordinal))
            throw row.Error("the image's path holds a zero character.");
        path = path.Replace('\\', '/');
        var rooted = System.IO.Path.IsPathRooted(path);
        if (_files is ZipStore)
        {
            return _files.Contains(path) ? path : throw row.Error($"{_files.Describe(path)} doesn't exist.");
        }
        var root = System.IO.Path.GetFullPath(_files.Location).TrimEnd('/') + "/";
        var full = System.IO.Path.GetFullPath(path, root);
        if (!_options.AllowOutside && !full.StartsWith(root, StringComparison.Ordinal))
            throw row.Error($"the path \"{path}\" leads out of {_files.Location}. Set allow_outside to true if that is meant.");
        return rooted ? full : path;
    }

    private string[] WordsOf(ListRow row, string column, DataTask task)
    {
        var values = row.Values(column);
        if (task == DataTask.Classification)
            return values is [{ Length: > 0 }]
                ? [ClassNames.Normalize(values[0])]
                : throw row.Error($"no label: expected one class name or index in \"{column}\".{row.Columns(column)}");
        if (values is null)
            throw row.Error($"no labels: expected them in \"{column}\" (empty for none).{row.Columns(column)}");
        return row.IsList(column)
            ? [.. values.Select(ClassNames.Normalize)]
            :
            [
                .. values
                    .Select(ClassNames.Normalize)
                    .SelectMany(text =>
                        text.Split(_options.Separator, StringSplitOptions.TrimEntries | StringSplitOptions.RemoveEmptyEntries)
                    )
                    .Distinct(),
            ];
    }

    /// <summary>The names that occur; where all are indices, the indices up to the largest.</summary>
    private static string[] ClassesFrom(IReadOnlyList<ListRow> rows, string[][] words)
    {
        var largest = -1;
        for (var i = 0; i < words.Length; i++)
        {
            foreach (var word in words[i])
            {
                if (!int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var index))
                    return [.. words.SelectMany(w => w).Distinct().Order(StringComparer.Ordinal)];
                if (index >= MaxUnnamedClasses)
                    throw rows[i].Error($"label {word} is out of range: without class names, indices lie below {MaxUnnamedClasses:N0}.");
                largest = Math.Max(largest, index);
            }
        }
        return [.. Enumerable.Range(0, largest + 1).Select(i => i.ToString(CultureInfo.InvariantCulture))];
    }

    private static int IndexOf(ListRow row, string word, string[] classes, Dictionary<string, int> indices)
    {
        if (indices.TryGetValue(word, out var index))
            return index;
        if (!long.TryParse(word, NumberStyles.AllowLeadingSign, CultureInfo.InvariantCulture, out var number))
            throw row.Error(
                $"no class is named \"{word}\".{NearestName.Suggest(word, classes)} Known classes: "
                    + $"{string.Join(", ", classes.Take(20))}{(classes.Length > 20 ? ", …" : "")}."
            );
        return number >= 0 && number < classes.Length
            ? (int)number
            : throw row.Error(
                $"label {word} is out of range: there are {classes.Length} classes, so expected 0 to "
                    + $"{classes.Length - 1}.{(number == classes.Length ? " Do the labels count from 1?" : "")}"
            );
    }

    private static float[] TargetsOf(ListRow row, string[] columns) =>
        Array.ConvertAll(
            columns,
            column =>
                row.Values(column) is [var text]
                && float.TryParse(text, NumberStyles.Float, CultureInfo.InvariantCulture, out var value)
                && float.IsFinite(value)
                    ? value
                    : throw row.Error(
                        $"the target \"{column}\" is {(row.Values(column) is [var wrong] ? $"\"{wrong}\"" : "missing")}; expected a "
                            + $"number.{row.Columns(column)}"
                    )
        );
}
