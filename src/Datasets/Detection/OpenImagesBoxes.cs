using Tessera.Framework.Data;

namespace Tessera.Datasets.Detection;

/// <summary>Reads the boxes of Open Images: ImageID, LabelName, XMin, XMax, YMin, YMax and marks, a row for each box.</summary>
internal static class OpenImagesBoxes
{
    private const int ImageId = 0,
        Label = 1,
        Left = 2,
        Right = 3,
        Top = 4,
        Bottom = 5,
        GroupOf = 6,
        Truncated = 7;

    /// <returns>The images that have boxes, in the order of the file, and the place of each.</returns>
    /// <exception cref="UserErrorException">It is no such file, with the line.</exception>
    public static (List<AnnotatedImage> Images, Dictionary<string, int> Places) Read(
        string path,
        OpenImagesClasses classes,
        MarkedObjects groups,
        Findings findings
    )
    {
        using var table = new OpenImagesTable(path, "ImageID", "LabelName", "XMin", "XMax", "YMin", "YMax", "IsGroupOf?", "IsTruncated?");
        var (images, objects, places) = (new List<AnnotatedImage>(), new ObjectList(), new Dictionary<string, int>(StringComparer.Ordinal));
        var lookup = places.GetAlternateLookup<ReadOnlySpan<char>>();
        var progress = new ReadingProgress(path, table.Stream);
        while (table.Read())
        {
            if (objects.Count == CocoParser.MostAnnotations)
                throw new UserErrorException($"{path}:{table.Line}  more than {CocoParser.MostAnnotations} boxes.");
            var id = table.Field(ImageId);
            if (!lookup.TryGetValue(id, out var place))
            {
                place = images.Count;
                images.Add(Image(path, table.Line, id.ToString()));
                places[id.ToString()] = place;
            }
            if (classes.IndexOf(table.Field(Label)) is >= 0 and var label)
                Add(table, place, label);
            else
                findings.Add(FindingKind.UnknownClass, $"{path}:{table.Line}  {classes.Unknown(table.Field(Label))}");
            progress.Step(objects.Count);
        }
        progress.End(images.Count, objects.Count);
        var sorted = objects.TakeByImage(images.Count);
        for (var i = 0; i < images.Count; i++)
            images[i] = images[i] with { Objects = sorted[i] };
        return (images, places);

        void Add(OpenImagesTable row, int place, int label)
        {
            var group = row.Flag(GroupOf);
            if (group && groups == MarkedObjects.Drop)
            {
                findings.LeaveOut(LeftOutKind.Box, "boxes around groups, which are dropped (group_of)", $"{path}:{row.Line}");
                return;
            }
            var (left, top) = (row.Number(Left), row.Number(Top));
            objects.Add(
                place,
                new AnnotatedObject(left, top, row.Number(Right) - left, row.Number(Bottom) - top, label)
                {
                    GroupOf = group && groups == MarkedObjects.Keep,
                    Crowd = group && groups == MarkedObjects.Ignore,
                    Truncated = row.Flag(Truncated),
                    Place = row.Line,
                }
            );
        }
    }

    private static AnnotatedImage Image(string path, int line, string id)
    {
        if (id.Length == 0)
            throw new UserErrorException($"{path}:{line}  ImageID is empty.");
        if (id is "." or ".." || id.AsSpan().IndexOfAny('/', '\\', ':') >= 0)
            throw new UserErrorException($"{path}:{line}  ImageID is \"{id}\", which is no image's name.");
        return new AnnotatedImage($"{id}.jpg", 0, 0, [])
        {
            Source = path,
            InFractions = true,
            VerifiedLabels = [],
        };
    }
}
