using System.Text.Json;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Detection;

/// <summary>Reads the hierarchy of Open Images: a tree of "LabelName" and "Subcategory", whose root ("Entity") stands for nothing. A class
/// may lie in it several times.</summary>
internal static class OpenImagesHierarchy
{
    private const int MaxDepth = 64;
    private const long MaxBytes = 64 << 20;

    /// <returns>Of each class those above it, in rising order.</returns>
    /// <exception cref="UserErrorException">There is no such file, it is of another form, or names a label that is no class.</exception>
    public static int[][] Read(string path, OpenImagesClasses classes)
    {
        if (!File.Exists(path))
            throw FileStore.Missing(path);
        var above = classes.Names.Select(_ => new SortedSet<int>()).ToArray();
        try
        {
            using var stream = File.OpenRead(path);
            if (stream.Length > MaxBytes)
                throw new UserErrorException($"{path} has {stream.Length >> 20:N0} MiB; a hierarchy may have {MaxBytes >> 20:N0}.");
            using var document = JsonDocument.Parse(stream, new JsonDocumentOptions { MaxDepth = 2 * MaxDepth });
            if (document.RootElement.ValueKind != JsonValueKind.Object || !document.RootElement.TryGetProperty("Subcategory", out _))
                throw new UserErrorException($"{path}: an object with \"LabelName\" and \"Subcategory\" was expected.");
            Below(document.RootElement, []);
        }
        catch (JsonException e)
        {
            throw new UserErrorException($"{path}:{(e.LineNumber ?? 0) + 1}  not JSON: {e.Message}", e);
        }
        catch (Exception e) when (e is IOException or UnauthorizedAccessException)
        {
            throw new UserErrorException($"{path} can't be read: {e.Message}", e);
        }
        return Array.ConvertAll(above, labels => labels.ToArray());

        void Below(JsonElement node, int[] parents)
        {
            if (!node.TryGetProperty("Subcategory", out var children))
                return;
            if (children.ValueKind != JsonValueKind.Array)
                throw new UserErrorException($"{path}: a \"Subcategory\" must be an array.");
            foreach (var child in children.EnumerateArray())
            {
                if (child.ValueKind != JsonValueKind.Object || !child.TryGetProperty("LabelName", out var name))
                    throw new UserErrorException($"{path}: an entry of \"Subcategory\" has no \"LabelName\".");
                var label = name.ValueKind == JsonValueKind.String ? name.GetString()! : name.ToString();
                var index = classes.IndexOf(label);
                if (index < 0)
                    throw new UserErrorException($"{path}: {classes.Unknown(label)}");
                above[index].UnionWith(parents.Where(parent => parent != index));
                Below(child, [.. parents, index]);
            }
        }
    }
}
