using System.Globalization;
using System.Text;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Classification;

/// <summary>The text files of CUB-200-2011, checked against each other. Every error names the file and the line.</summary>
internal sealed class CubIndex
{
    private const string NameFile = "images.txt",
        LabelFile = "image_class_labels.txt",
        SplitFile = "train_test_split.txt",
        ClassFile = "classes.txt",
        BoxFile = "bounding_boxes.txt";
    private const long MaxBytes = 1L << 28;
    private const double MaxPixels = 1e6;

    private readonly FileStore _files;
    private readonly Dictionary<int, int> _placeOf = []; // of each image's id, in the order of images.txt
    private readonly List<int> _ids = [];

    /// <exception cref="UserErrorException">A file is missing, broken, or at odds with another.</exception>
    public CubIndex(FileStore files)
    {
        _files = files;
        Folder = FolderOf(files);
        var names = new List<string>();
        foreach (var (line, words) in Lines(NameFile, 2))
        {
            var id = Id(NameFile, line, words[0]);
            if (!_placeOf.TryAdd(id, names.Count))
                throw Error(NameFile, line, $"image {id} comes twice.");
            _ids.Add(id);
            names.Add(Relative(line, words[1]));
        }
        if (names.Count == 0)
            throw new UserErrorException($"{Place} lists no images.");
        Names = names;
        Classes = ReadClasses();
        Labels = PerImage(LabelFile, 1, (line, words) => Label(line, words[0]));
        Trains = PerImage(
            SplitFile,
            1,
            (line, words) =>
                words[0] is "0" or "1"
                    ? words[0] == "1"
                    : throw Error(SplitFile, line, $"the mark is \"{words[0]}\"; expected 1 (train) or 0 (test).")
        );
    }

    /// <summary>The folder of the files, with its slash; "" where they lie right below the path.</summary>
    public string Folder { get; }

    public IReadOnlyList<string> Classes { get; }

    /// <summary>Images, below the folder "images", in the order of images.txt.</summary>
    public IReadOnlyList<string> Names { get; }

    /// <summary>Of each image, from 0.</summary>
    public int[] Labels { get; }

    /// <summary>Of each image.</summary>
    public bool[] Trains { get; }

    public string Place => _files.Describe(Folder + NameFile);

    public string SplitPlace => _files.Describe(Folder + SplitFile);

    /// <returns>Of each image: x1, y1, x2, y2.</returns>
    public float[][] ReadBoxes() =>
        PerImage(
            BoxFile,
            4,
            (line, words) =>
            {
                var box = Array.ConvertAll(words, word => Number(line, word));
                if (box[2] <= 0 || box[3] <= 0)
                    throw Error(BoxFile, line, $"the box is {words[2]} wide and {words[3]} high; expected x, y, width and height.");
                return new[] { (float)box[0], (float)box[1], (float)(box[0] + box[2]), (float)(box[1] + box[3]) };
            }
        );

    private static string FolderOf(FileStore files)
    {
        foreach (var folder in new[] { "", "CUB_200_2011/" })
            if (files.Contains(folder + NameFile))
                return folder;
        throw new UserErrorException(
            $"{files.Location} has no {NameFile}. Cub200 reads the files of CUB-200-2011 as they are unpacked; for one folder per class "
                + "use ImageFolder."
        );
    }

    private string[] ReadClasses()
    {
        var found = new List<string>();
        foreach (var (line, words) in Lines(ClassFile, 2))
        {
            if (Id(ClassFile, line, words[0]) != found.Count + 1)
                throw Error(ClassFile, line, $"class {words[0]} stands where {found.Count + 1} was expected: classes count from 1.");
            if (found.Contains(words[1]))
                throw Error(ClassFile, line, $"\"{words[1]}\" comes twice.");
            found.Add(words[1]);
        }
        if (found.Count == 0)
            throw new UserErrorException($"{_files.Describe(Folder + ClassFile)} names no classes.");
        var bare = found.ConvertAll(WithoutNumber);
        return bare.TrueForAll(name => name is not null) && bare.Distinct().Count() == bare.Count
            ? [.. ClassNames.Normalize([.. bare.Select(name => name!)])]
            : [.. ClassNames.Normalize([.. found])];
    }

    // "001.Black_footed_Albatross"; null where no number stands before a name.
    private static string? WithoutNumber(string name)
    {
        var dot = name.IndexOf('.', StringComparison.Ordinal);
        return dot > 0 && dot < name.Length - 1 && name.AsSpan(0, dot).IndexOfAnyExceptInRange('0', '9') < 0 ? name[(dot + 1)..] : null;
    }

    private int Label(int line, string word) =>
        Id(LabelFile, line, word) is var label && label <= Classes.Count
            ? label - 1
            : throw Error(
                LabelFile,
                line,
                $"class {label} is out of range: {ClassFile} names {Classes.Count}, so expected 1 to {Classes.Count}."
            );

    private string Relative(int line, string text)
    {
        var name = text.Replace('\\', '/');
        if (name.Split('/').Contains("..") || System.IO.Path.IsPathRooted(name) || name.Contains(':', StringComparison.Ordinal))
            throw Error(NameFile, line, $"\"{text}\" leads out of the folder images.");
        return name;
    }

    /// <summary>A value for each image from a file of "id value …", in any order.</summary>
    private T[] PerImage<T>(string file, int values, Func<int, string[], T> parse)
    {
        var (result, seen) = (new T[_ids.Count], new bool[_ids.Count]);
        foreach (var (line, words) in Lines(file, 1 + values))
        {
            var id = Id(file, line, words[0]);
            if (!_placeOf.TryGetValue(id, out var place))
                throw Error(file, line, $"there is no image {id} in {NameFile}.");
            if (seen[place])
                throw Error(file, line, $"image {id} comes twice.");
            (seen[place], result[place]) = (true, parse(line, words[1..]));
        }
        if (Array.IndexOf(seen, false) is >= 0 and var lacking)
            throw new UserErrorException(
                $"{_files.Describe(Folder + file)} has no line for image {_ids[lacking]} ({Names[lacking]}), nor for "
                    + $"{seen.Count(found => !found) - 1} more."
            );
        return result;
    }

    private int Id(string file, int line, string word) =>
        int.TryParse(word, NumberStyles.None, CultureInfo.InvariantCulture, out var id) && id > 0
            ? id
            : throw Error(file, line, $"\"{word}\" is no number; expected a whole number from 1.");

    private double Number(int line, string word) =>
        double.TryParse(word, NumberStyles.Float, CultureInfo.InvariantCulture, out var value) && Math.Abs(value) <= MaxPixels
            ? value
            : throw Error(BoxFile, line, $"\"{word}\" is no number of pixels.");

    /// <summary>Lines that aren't blank, in so many words; the last one of images.txt and classes.txt may hold blanks.</summary>
    private IEnumerable<(int Line, string[] Words)> Lines(string file, int words)
    {
        var name = Folder + file;
        if (!_files.Contains(name))
            throw new UserErrorException($"{_files.Describe(name)} doesn't exist: it belongs to CUB-200-2011's files.");
        if (_files.LengthOf(name) > MaxBytes)
            throw new UserErrorException($"{_files.Describe(name)} has more than {MaxBytes >> 20} MiB; is it a list of images?");
        var text = Encoding.UTF8.GetString(_files.Read(name).Span).TrimStart('\uFEFF');
        var line = 0;
        foreach (var raw in text.Split('\n'))
        {
            line++;
            if (raw.Trim() is not { Length: > 0 } entry)
                continue;
            if (entry.Contains('\0', StringComparison.Ordinal))
                throw Error(file, line, "the line holds a zero character; is this text?");
            var parts = entry.Split((char[]?)null, file is NameFile or ClassFile ? 2 : int.MaxValue, StringSplitOptions.RemoveEmptyEntries);
            if (parts.Length != words)
                throw Error(file, line, $"\"{Shortened(entry)}\" has {parts.Length} words; expected {words}.");
            yield return (line, parts);
        }
    }

    private static string Shortened(string text) => text.Length <= 60 ? text : text[..60] + "…";

    private UserErrorException Error(string file, int line, string what) => new($"{_files.Describe(Folder + file)}:{line}  {what}");
}
