using System.Globalization;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;

namespace Tessera.Datasets.Synthetic;

/// <summary>Label images by number, in place of exact maps.</summary>
internal sealed class LabelFolder
{
    private readonly FileStore _files;
    private readonly LabelTable _table;

    /// <param name="classes">Names in index order; values are the classes' places, and 255 is ignored.</param>
    /// <exception cref="UserErrorException">There is no such folder.</exception>
    public LabelFolder(string path, IReadOnlyList<string> classes)
    {
        _files = FileStore.Open(path);
        var values = Enumerable.Range(0, classes.Count).Select(index => KeyValuePair.Create(index, (byte)index));
        _table = new LabelTable(classes, [.. values, KeyValuePair.Create((int)LabelTable.Ignore, LabelTable.Ignore)], byColor: false);
    }

    public SegmentationFile Of(int index)
    {
        var name = index.ToString("D6", CultureInfo.InvariantCulture) + ".png";
        return new SegmentationFile(_files.Describe(name), _files.Contains(name) ? () => _files.Read(name) : null, _table);
    }
}
