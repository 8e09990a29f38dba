using Tessera.Datasets.Images;
using Tessera.Framework.Data;

namespace Tessera.Tests.Datasets.Segmentation;

/// <summary>A folder of photographs and labels, and a cache of its own.</summary>
internal sealed class LabelTree : IDisposable
{
    private readonly TemporaryFolder _folder = new();

    static LabelTree()
    {
        var cache = new TemporaryFolder();
        Environment.SetEnvironmentVariable("XDG_CACHE_HOME", cache.Path);
        AppDomain.CurrentDomain.ProcessExit += (_, _) => cache.Dispose();
    }

    public string Path => _folder.Path;

    /// <summary>A photograph of the given size.</summary>
    public string Photograph(string name, int height = 2, int width = 3) => _folder.Write(name, Png(new Image(height, width, 3)));

    /// <summary>A label image of one row, or of rows of the given width.</summary>
    public string Labels(string name, byte[] values, int width = 3) =>
        _folder.Write(name, Png(new Image(values.Length / width, width, 1, PixelType.UInt8, values)));

    public string Write(string name, byte[] bytes) => _folder.Write(name, bytes);

    public string Write(string name, string text) => _folder.Write(name, text);

    /// <summary>train/image and train/label with a pair for each of the label images, named a, b, c …</summary>
    public LabelTree Pairs(params byte[][] labels)
    {
        for (var i = 0; i < labels.Length; i++)
        {
            Photograph($"train/image/{(char)('a' + i)}.png", labels[i].Length / 3);
            Labels($"train/label/{(char)('a' + i)}.png", labels[i]);
        }
        return this;
    }

    public static byte[] Png(Image image) => ImageCodec.EncodePng(image);

    public void Dispose() => _folder.Dispose();
}
