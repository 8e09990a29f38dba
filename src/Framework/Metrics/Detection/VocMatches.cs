using Tessera.Framework.Data;

namespace Tessera.Framework.Metrics.Detection;

/// <summary>What an image adds to a class.</summary>
/// <param name="Objects">How many are asked for.</param>
/// <param name="Scores">[N], falling. Detections on difficult objects are left out.</param>
/// <param name="Right">[N], whether the detection is the first on its object.</param>
internal sealed record VocMatches(int Label, int Objects, double[] Scores, bool[] Right)
{
    /// <summary>Classes that have neither an object nor a detection are left out.</summary>
    /// <param name="groups">Null: crowds are difficult objects. Otherwise a crowd is a group that is asked for like an object: a detection
    /// that finds no object of its own, but has this part of its own area in a group, finds the group; of several the best one
    /// counts.</param>
    public static VocMatches[] Of(
        double[] boxes,
        double[] scores,
        int[] labels,
        BoxAnnotation truth,
        int classes,
        double threshold,
        double? groups = null
    )
    {
        var (found, objects) = (new ByClass(labels, classes), new ByClass(truth.Labels, classes));
        var matches = new List<VocMatches>();
        var taken = new bool[truth.Count];
        for (var c = 0; c < classes; c++)
        {
            var (kept, right) = (new List<double>(), new List<bool>());
            foreach (var d in found.Falling(c, scores))
            {
                var (best, match) = Nearest(d, objects[c], single: true);
                var hit = match >= 0 && best >= threshold;
                if (hit && (truth.Ignored[match] || truth.Crowd[match]))
                    continue;
                var first = hit && !taken[match];
                if (!first && groups is { } least && Nearest(d, objects[c], single: false) is var (part, group) && part >= least)
                {
                    if (taken[group])
                        continue; // a better one found the group
                    (match, hit, first) = (group, true, true);
                }
                kept.Add(scores[d]);
                right.Add(first);
                if (hit)
                    taken[match] = true;
            }
            var asked = 0;
            foreach (var g in objects[c])
                if (truth.Crowd[g] ? groups is not null : !truth.Ignored[g])
                    asked++;
            if (kept.Count + asked > 0)
                matches.Add(new VocMatches(c, asked, [.. kept], [.. right]));
        }
        return [.. matches];

        // The first of those that overlap most; -1 where there is none. Groups apart from single objects, where they are asked for.
        (double Overlap, int Object) Nearest(int d, ReadOnlySpan<int> ofClass, bool single)
        {
            var (best, match) = (double.NegativeInfinity, -1);
            foreach (var g in ofClass)
            {
                if (groups is not null && truth.Crowd[g] == single)
                    continue;
                var overlap = BoxGeometry.IoU(boxes.AsSpan(4 * d, 4), truth.Boxes.AsSpan(4 * g, 4), truth.Crowd[g]);
                if (overlap > best)
                    (best, match) = (overlap, g);
            }
            return (best, match);
        }
    }

    public void Write(BinaryWriter writer)
    {
        writer.Write(Label);
        writer.Write(Objects);
        writer.Write(Scores.Length);
        for (var i = 0; i < Scores.Length; i++)
        {
            writer.Write(Scores[i]);
            writer.Write(Right[i]);
        }
    }

    public static VocMatches Read(BinaryReader reader)
    {
        var (label, objects, count) = (reader.ReadInt32(), reader.ReadInt32(), reader.ReadInt32());
        var (scores, right) = (new double[count], new bool[count]);
        for (var i = 0; i < count; i++)
            (scores[i], right[i]) = (reader.ReadDouble(), reader.ReadBoolean());
        return new VocMatches(label, objects, scores, right);
    }
}
