using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Errors;

namespace Tessera.Tools.Output;

/// <summary>The images that a user names: one, or those of a folder.</summary>
internal static class ImageFiles
{
    /// <param name="input">An image, or a folder whose images are taken, those of folders in it too; numbers in
    /// their names count as numbers.</param>
    /// <exception cref="UserErrorException">There is no such file or folder, or it has no images.</exception>
    public static string[] Of(string input)
    {
        if (File.Exists(input))
            return [input];
        if (!Directory.Exists(input))
            throw new UserErrorException($"{input}: there is no such file or folder.");
        // Images that can't be read are among them, so that each is told with its format.
        var store = FileStore.Open(input, fromConfig: false);
        var files = store
            .Names.Where(name => ImageCodec.HasExtension(name) || ImageCodec.UnreadableFormat(name) is not null)
            .Order(NaturalOrder.Instance) // frames of a video follow each other
            .Select(store.Describe)
            .ToArray();
        return files.Length > 0
            ? files
            : throw new UserErrorException($"{input}: the folder has no images ({string.Join(", ", ImageCodec.Extensions)}).");
    }
}
