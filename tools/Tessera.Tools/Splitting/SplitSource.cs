using System.Text.Json;
using System.Text.Json.Nodes;
using Tessera.Datasets;
using Tessera.Datasets.Classification;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Tools.Output;

namespace Tessera.Tools.Splitting;

/// <summary>The data to be split, and how a config is told of its lists.</summary>
/// <param name="Json">The data set as a config has it; null where it comes from a config.</param>
/// <param name="Part">The config's part that it is; null where there is no config.</param>
internal sealed record SplitSource(Dataset Dataset, JsonObject? Json, string? Part)
{
    private const int LookedAt = 1 << 20;

    /// <summary>Opens a config's part, a folder or archive, or a list of images.</summary>
    /// <param name="session">Where the config was opened; null: it is none.</param>
    /// <param name="part">Of the config; null: its first.</param>
    /// <param name="images">Where a list's or COCO's images lie; null: where the file lies.</param>
    /// <exception cref="UserErrorException">It is none of these, or can't be read.</exception>
    public static SplitSource Open(string path, Session? session, string? part, string? images)
    {
        if (session is not null)
        {
            if (images is not null)
                throw new UserErrorException("--images is for lists and COCO's annotations; a config says where its images lie.");
            var of = part is null ? session.Data.FirstPart : DataParts.Named(part);
            return new(session.Data[of], null, SessionData.NameOf(of));
        }
        if (part is not null)
            throw new UserErrorException($"--part is for configs; {path} has no parts.");
        if (Directory.Exists(path) || path.EndsWith(".zip", StringComparison.OrdinalIgnoreCase))
        {
            if (images is not null)
                throw new UserErrorException("--images is for lists and COCO's annotations; a folder holds its images itself.");
            return OfFolder(path);
        }
        if (!File.Exists(path))
            throw new UserErrorException($"{path} doesn't exist. A config, a folder of images or a list of them was expected.");
        if (IsCoco(path))
        {
            var folder = images ?? FolderOf(path);
            return new(new CocoDetection(new(folder, path)), Entry("CocoDetection", ("path", folder), ("annotations", path)), null);
        }
        var list = new ImageList(new(path, images));
        return new(list, images is null ? Entry("ImageList", ("path", path)) : Entry("ImageList", ("path", path), ("root", images)), null);
    }

    /// <summary>Whether it is a config, not data.</summary>
    public static bool IsConfig(string path) =>
        path.StartsWith("tessera:", StringComparison.Ordinal)
        || (
            path.EndsWith(".json", StringComparison.OrdinalIgnoreCase)
            && File.Exists(path)
            && RootKeys(path) is { } keys
            && !keys.Contains("samples")
            && !IsCoco(keys)
        )
        || (path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) && !File.Exists(path));

    private static SplitSource OfFolder(string path)
    {
        var files = FileStore.Open(path, fromConfig: false);
        var xml = files.Names.Where(name => name.EndsWith(".xml", StringComparison.OrdinalIgnoreCase)).ToArray();
        var images = files.Names.Where(ImageCodec.HasExtension).ToArray();
        if (images.Length == 0)
            throw new UserErrorException($"{path} holds no images ({string.Join(", ", ImageCodec.Extensions)}).");
        if (xml.Length > 0)
            return OfVoc(path, files.Names.Any(name => name.StartsWith("JPEGImages/", StringComparison.Ordinal)), xml, images);
        var folders = images.Select(name => name.Split('/')[0]).Distinct().ToArray();
        if (images.All(name => !name.Contains('/', StringComparison.Ordinal)))
            throw new UserErrorException(
                $"{path} holds images, but nothing that says what they show: neither a folder for each class nor XML files. "
                    + "Give a list (.csv) of images and labels, or a config."
            );
        if (Array.Find(folders, IsPartName) is { } part)
            throw new UserErrorException(
                $"{path} holds a folder \"{part}\", so it is split already, or its images and labels lie apart. Give the folder "
                    + $"that holds one folder for each class (such as {Path.Combine(path, part)}), or a config."
            );
        return new(new ImageFolder(new(path)), Entry("ImageFolder", ("path", path)), null);
    }

    private static bool IsPartName(string name) =>
        name.ToLowerInvariant()
            is "train"
                or "training"
                or "val"
                or "valid"
                or "validation"
                or "test"
                or "images"
                or "image"
                or "labels"
                or "label"
                or "masks"
                or "annotations";

    private static SplitSource OfVoc(string path, bool isVoc, string[] xml, string[] images)
    {
        var (imageFolder, annotationFolder) = isVoc
            ? ("JPEGImages", "Annotations")
            : (Only(path, images, "images"), Only(path, xml, "XML files"));
        var options = new VocDetectionOptions(path, null, ImageFolder: imageFolder, AnnotationFolder: annotationFolder)
        {
            OnMissingImage = BadData.Skip,
        };
        // What isn't annotated is not split; the data set counts it.
        var dataset = new VocDetection(options with { OnMissingAnnotation = Unannotated.Skip });
        return new(
            dataset,
            isVoc
                ? Entry("VocDetection", ("path", path))
                : Entry("VocDetection", ("path", path), ("image_folder", imageFolder), ("annotation_folder", annotationFolder)),
            null
        );
    }

    private static string Only(string path, string[] names, string what)
    {
        var folders = names.Select(FolderOf).Distinct().ToArray();
        return folders.Length == 1
            ? folders[0]
            : throw new UserErrorException(
                $"{path} has {what} in several folders: {string.Join(", ", folders.Take(10).Select(folder => $"\"{folder}\""))}. Give a "
                    + "config whose VocDetection has image_folder and annotation_folder."
            );

        static string FolderOf(string name) => name.LastIndexOf('/') is >= 0 and var at ? name[..at] : "";
    }

    private static string FolderOf(string file) => Path.GetDirectoryName(file) is { Length: > 0 } folder ? folder : ".";

    private static bool IsCoco(string path) =>
        path.EndsWith(".json", StringComparison.OrdinalIgnoreCase) && RootKeys(path) is { } keys && IsCoco(keys);

    private static bool IsCoco(HashSet<string> keys) =>
        keys.Contains("images") || keys.Contains("annotations") || keys.Contains("categories");

    /// <summary>The first keys of a JSON file's object; null where it holds none, as a list of images may.</summary>
    private static HashSet<string>? RootKeys(string path)
    {
        var bytes = new byte[LookedAt];
        using var stream = File.OpenRead(path);
        var length = stream.ReadAtLeast(bytes, bytes.Length, throwOnEndOfStream: false);
        var text = bytes.AsSpan(0, length);
        if (text.StartsWith(System.Text.Encoding.UTF8.Preamble))
            text = text[3..];
        var options = new JsonReaderOptions { CommentHandling = JsonCommentHandling.Skip, AllowTrailingCommas = true };
        var reader = new Utf8JsonReader(text, isFinalBlock: false, new JsonReaderState(options));
        var keys = new HashSet<string>(StringComparer.Ordinal);
        try
        {
            while (reader.Read())
            {
                if (reader.TokenType == JsonTokenType.StartArray && reader.CurrentDepth == 0)
                    return null;
                if (reader.TokenType == JsonTokenType.PropertyName && reader.CurrentDepth == 1)
                    keys.Add(reader.GetString()!);
            }
        }
        catch (JsonException) { } // whoever reads all of it says where it is broken
        return keys;
    }

    private static JsonObject Entry(string type, params (string Key, string Value)[] options)
    {
        var json = new JsonObject { ["type"] = type };
        foreach (var (key, value) in options)
            json[key] = value;
        return json;
    }
}
