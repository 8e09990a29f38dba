using System.Globalization;
using Tessera.Datasets.Detection;
using Tessera.Datasets.Images;
using Tessera.Datasets.Segmentation;
using Tessera.Datasets.Transforms;
using Tessera.Framework.Data;
using Tessera.Framework.Errors;
using Tessera.Torch;

namespace Tessera.Tools.Statistics;

/// <summary>Reads every sample of a data set once, several at a time, without its pipeline. What is wrong with a file becomes a
/// fact.</summary>
internal static class Survey
{
    /// <param name="fingerprints">Decode the images, too, to find duplicates; otherwise only their headers are read.</param>
    /// <param name="advance">Samples done, samples in all.</param>
    public static SampleFacts[] Run(Dataset dataset, bool fingerprints, Action<int, int>? advance = null)
    {
        var facts = new SampleFacts[dataset.Count];
        var done = 0;
        var gate = new Lock();
        Parallel.For(
            0,
            facts.Length,
            new ParallelOptions { MaxDegreeOfParallelism = Processor.Cores },
            index =>
            {
                facts[index] = Read(dataset, index, fingerprints);
                var now = Interlocked.Increment(ref done);
                if (advance is null)
                    return;
                lock (gate)
                    advance(now, facts.Length);
            }
        );
        return facts;
    }

    private static SampleFacts Read(Dataset dataset, int index, bool fingerprints)
    {
        Sample sample;
        try
        {
            sample = dataset.Get(index);
        }
        catch (UserErrorException error)
        {
            return new SampleFacts($"sample {index}") { Unreadable = error.Message };
        }
        var facts = new SampleFacts(sample.Name)
        {
            Labels = dataset.Info.Task switch
            {
                DataTask.Classification => sample.Truth.Label is { } label ? [label] : dataset.LabelsOf(index),
                DataTask.MultiLabel => sample.Truth.MultiLabel is { } labels
                    ? [.. Enumerable.Range(0, labels.Length).Where(c => labels[c] > 0.5f)]
                    : null,
                DataTask.Panoptic => dataset.LabelsOf(index),
                _ => null,
            },
            Boxes = Annotated(dataset, index) ?? sample.Truth.Boxes, // bad ones included
            Map = dataset.Info.Task switch
            {
                DataTask.Segmentation => ReadMap(sample, dataset.Info.Classes.Count),
                DataTask.Panoptic => ReadSegments(sample, dataset.Info.Classes.Count),
                _ => null,
            },
        };
        try
        {
            if (sample.ReadFile is null)
                return sample.Image?.Decode() is { } drawn
                    ? facts with
                    {
                        Height = drawn.Height,
                        Width = drawn.Width,
                        Print = fingerprints ? Fingerprint.Of(drawn) : null,
                    }
                    : facts with
                    {
                        Unreadable = "there is neither an image nor a file.",
                    };
            var file = sample.ReadFile();
            var image = ImageCodec.Open(
                file,
                sample.Name,
                new DecodeOptions(ColorType.Grayscale, ApplyOrientation: LoadImage.TurnsIn(dataset.Pipeline))
            );
            return facts with { Height = image.Height, Width = image.Width, Print = fingerprints ? Fingerprint.Of(file, image) : null };
        }
        catch (UserErrorException error)
        {
            return facts with { Unreadable = error.Message };
        }
    }

    private static Boxes? Annotated(Dataset dataset, int index) =>
        dataset.OriginOf(index) is (DetectionDataset boxes, var at) ? boxes.Annotated(at) : null;

    private static MapFacts ReadMap(Sample sample, int classes)
    {
        var pixels = new long[classes];
        var nothing = new MapFacts(0, 0, pixels, 0, []);
        var table = sample.SegmentationFile?.Table;
        Image raw;
        if (sample.Truth.SegmentationMap is { } map)
            raw = map;
        else if (sample.SegmentationFile is not { Read: { } read, Name: var name })
            return nothing with
            {
                Missing = sample.SegmentationFile is { Name: var expected }
                    ? LabelErrors.NoPartner(sample.Name, expected).Message
                    : "the data set names none.",
            };
        else
        {
            ReadOnlyMemory<byte> file;
            try
            {
                file = read();
            }
            catch (UserErrorException error)
            {
                return nothing with { Missing = error.Message };
            }
            try
            {
                raw = LabelFile.Decode(file, name, table?.ByColor == true);
            }
            catch (UserErrorException error)
            {
                return nothing with { Unreadable = error.Message };
            }
        }

        return Count(raw, table, pixels);
    }

    /// <summary>The map of segments, whose pixels are counted by their segments' classes; crowds and void are ignored.</summary>
    private static MapFacts ReadSegments(Sample sample, int classes)
    {
        var pixels = new long[classes];
        PanopticMap map;
        try
        {
            if ((sample.Truth.Panoptic ?? (sample.PanopticFile is { } file ? LoadPanoptic.Map(file) : null)) is not { } read)
                return new MapFacts(0, 0, pixels, 0, []) { Missing = "the data set names none." };
            map = read;
        }
        catch (UserErrorException error)
        {
            return new MapFacts(0, 0, pixels, 0, []) { Unreadable = error.Message };
        }
        foreach (var (segment, area) in map.Segments.Zip(map.Areas()))
            if (!segment.Crowd)
                pixels[segment.Label] += area;
        return new MapFacts(map.Height, map.Width, pixels, (long)map.Height * map.Width - pixels.Sum(), []);
    }

    /// <param name="pixels">Counted into, by class.</param>
    private static MapFacts Count(Image raw, LabelTable? table, long[] pixels)
    {
        var classes = pixels.Length;
        long ignored = 0;
        var unclaimed = new List<KeyValuePair<string, long>>();
        var nobody = raw.Type == PixelType.UInt16 ? ushort.MaxValue : byte.MaxValue;
        foreach (var (value, count) in LabelHistogram.Of(raw))
        {
            int? index = table is not null
                ? value == LabelHistogram.Rest
                    ? null
                    : table.Find(value)
                : value == nobody
                    ? LabelTable.Ignore
                    : value < classes
                        ? value
                        : null;
            if (index is null)
                unclaimed.Add(
                    new(value == LabelHistogram.Rest ? "others" : table?.Name(value) ?? value.ToString(CultureInfo.InvariantCulture), count)
                );
            else if (index == LabelTable.Ignore && (table is not null || value == nobody))
                ignored += count;
            else
                pixels[index.Value] += count;
        }
        return new MapFacts(raw.Height, raw.Width, pixels, ignored, unclaimed);
    }
}
