using Tessera.Framework.Data;
using Tessera.Framework.Messages;
using Tessera.Framework.Running;
using Tessera.Framework.Running.Diagnosis;

namespace Tessera.Tools.Doctor;

/// <summary>A part of the data as a whole: what its own look finds, and how its classes are spread.</summary>
internal sealed class DataCheck(Session session, Report report)
{
    private const double ImbalanceWorthSaying = 20;
    private const int ClassesNamed = 8;

    /// <param name="data">null where the part can't be used.</param>
    public bool Run(DataPart part, LoaderOptions? loader, out Dataset? data)
    {
        Dataset? built = null;
        var good = report.Check("data", () => Describe(SessionData.NameOf(part), built = session.Data[part], loader));
        data = good ? built : null;
        return good;
    }

    private string Describe(string part, Dataset data, LoaderOptions? loader)
    {
        DataChecks.Check(data, $"{part}.dataset", loader, text => report.Warn(part, text), text => report.Note(part, text));
        if (part == SessionData.NameOf(DataPart.Train))
            DataChecks.RequireObjects(data);
        var classes = data.Info.Classes;
        var said =
            $"{part}: {Counted.Of(data.Count, "sample")}, {Counted.Of(classes.Count, "class", "classes")} "
            + $"({string.Join(", ", classes.Take(ClassesNamed))}{(classes.Count > ClassesNamed ? ", …" : "")})";
        var presence = ClassPresence.Of(data);
        var present = presence.Samples.Where(count => count > 0).ToArray();
        if (presence.Labelled == 0 || present.Length == 0)
            return said;
        var (least, most) = (present.Min(), present.Max());
        var counts = presence.Samples.ToList();
        if (most >= least * ImbalanceWorthSaying)
            report.Warn(
                part,
                $"{classes[counts.IndexOf(most)]} is {most / least} times as frequent as {classes[counts.IndexOf(least)]}: consider "
                    + $"ClassBalancedSampler, class weights, or macro averages."
            );
        return said + (least == most ? $", {most} each" : $", {least} to {most} each");
    }
}
