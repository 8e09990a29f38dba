using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Detection;

/// <summary>The classes of a file of labels ("/m/0cgh4") and names ("Building"), in its order.</summary>
internal sealed class OpenImagesClasses
{
    private readonly string _path;
    private readonly Dictionary<string, int> _indices = new(StringComparer.Ordinal);
    private readonly Dictionary<string, int>.AlternateLookup<ReadOnlySpan<char>> _lookup;

    private OpenImagesClasses(string path)
    {
        _path = path;
        _lookup = _indices.GetAlternateLookup<ReadOnlySpan<char>>();
    }

    public List<string> Names { get; } = [];

    /// <exception cref="UserErrorException">There is no such file, or it is of another form, with the line.</exception>
    public static OpenImagesClasses Read(string path)
    {
        var classes = new OpenImagesClasses(path);
        using var text = OpenImagesTable.Open(path);
        using var rows = new DelimitedReader(path, text, ',');
        while (rows.Read())
        {
            if (rows.FieldCount != 2)
                throw new UserErrorException($"{path}:{rows.Line}  {rows.FieldCount} fields; a label and a name were expected.");
            var (label, name) = (rows.Text(0).Trim(), rows.Text(1).Trim());
            if (classes.Names.Count == 0 && label == "LabelName") // from V7 on there is a first row of titles
                continue;
            if (label.Length == 0 || name.Length == 0)
                throw new UserErrorException($"{path}:{rows.Line}  the {(label.Length == 0 ? "label" : "name")} is empty.");
            if (!classes._indices.TryAdd(label, classes.Names.Count))
                throw new UserErrorException($"{path}:{rows.Line}  the label {label} comes twice.");
            if (classes.Names.Count == CocoParser.MostCategories)
                throw new UserErrorException($"{path}:{rows.Line}  more than {CocoParser.MostCategories} classes.");
            classes.Names.Add(name);
        }
        return classes.Names.Count > 0 ? classes : throw new UserErrorException($"{path} is empty.");
    }

    /// <returns>-1 where there is no such class.</returns>
    public int IndexOf(ReadOnlySpan<char> label) => _lookup.TryGetValue(label, out var index) ? index : -1;

    /// <summary>For messages, of a label that isn't there.</summary>
    public string Unknown(ReadOnlySpan<char> label) =>
        $"the label \"{label}\" is none of those in {_path}.{NearestName.Suggest(label.ToString(), _indices.Keys)}";
}
