using Tessera.Datasets.Images;
using Tessera.Datasets.Storage;

namespace Tessera.Datasets.Segmentation;

/// <summary>Reads every label file once, on all cores; what an earlier run read is not read again.</summary>
/// <param name="files">The photographs, and the labels where these have no store of their own.</param>
/// <param name="byColor">The labels are told by colour.</param>
/// <param name="labelFiles">The labels.</param>
internal sealed class LabelScan(FileStore files, bool byColor, FileStore? labelFiles = null)
{
    private readonly FileStore _labels = labelFiles ?? files;

    /// <returns>By sample; null where there are no labels.</returns>
    public LabelStatistics?[] Run(IReadOnlyList<LabelledFile> pairs, Action<int, int>? advance)
    {
        var cache = LabelCache.Open(_labels.Location, byColor);
        var found = new LabelStatistics?[pairs.Count];
        var stamps = new (FileStamp Image, FileStamp Labels)[pairs.Count];
        var toRead = new List<int>();
        for (var i = 0; i < pairs.Count; i++)
        {
            if (pairs[i].Labels is not { } labels)
                continue;
            stamps[i] = (files.StampOf(pairs[i].Image), _labels.StampOf(labels));
            found[i] = cache.Find(pairs[i].Image, labels, stamps[i].Image, stamps[i].Labels);
            if (found[i] is null)
                toRead.Add(i);
        }
        if (toRead.Count == 0)
            return found;

        var done = 0;
        Parallel.ForEach(
            toRead,
            i =>
            {
                found[i] = Read(pairs[i].Image, pairs[i].Labels!);
                var count = Interlocked.Increment(ref done);
                if (advance is null)
                    return;
                lock (toRead)
                    advance(count, toRead.Count);
            }
        );
        foreach (var i in toRead.Where(i => found[i]!.Problem is null))
            cache.Add(pairs[i].Image, pairs[i].Labels!, stamps[i].Image, stamps[i].Labels, found[i]!);
        cache.Save();
        return found;
    }

    private LabelStatistics Read(string image, string labels)
    {
        try
        {
            var file = files.Read(image);
            var photograph = ImageCodec.Open(file, files.Describe(image));
            var raw = LabelFile.Decode(_labels.Read(labels), _labels.Describe(labels), byColor);
            return new LabelStatistics(raw.Height, raw.Width, photograph.Height, photograph.Width, Framework.Data.LabelHistogram.Of(raw))
            {
                Turned = ImageCodec.IsTurned(file, files.Describe(image)),
            };
        }
        catch (UserErrorException error)
        {
            return LabelStatistics.Unusable(error.Message);
        }
    }
}
