using System.Diagnostics;
using System.Globalization;
using System.Text;
using Tessera.Datasets.Detection;

// Writes a file of so many boxes (1,000,000 unless an argument says otherwise) in Objects365's or Open Images' form, about 15 to an
// image, reads it as a data set does, and prints seconds, the memory that the annotations keep, and the most that the process had.
var form = args.Length > 0 ? args[0] : "objects365";
var boxes = args.Length > 1 ? int.Parse(args[1], NumberStyles.AllowThousands, CultureInfo.InvariantCulture) : 1_000_000;
var folder = Directory.CreateTempSubdirectory("tessera-annotations").FullName;
try
{
    var file = Path.Combine(folder, "boxes");
    var random = new Random(1);
    var images = Math.Max(1, boxes / 15);
    if (form == "objects365")
        WriteJson(file, random, images, boxes);
    else if (form == "openimages")
        WriteTables(folder, file, random, images, boxes);
    else
        throw new ArgumentException($"{form}: objects365 or openimages was expected.");
    GC.Collect();
    var before = GC.GetTotalMemory(forceFullCollection: true);
    var (watch, cpu) = (Stopwatch.StartNew(), Process.GetCurrentProcess().TotalProcessorTime);
    var findings = new Findings(_ => BadData.Error);
    object read = form == "objects365" ? CocoFile.Read(file, findings) : OpenImages(folder, file);
    var seconds = watch.Elapsed.TotalSeconds;
    var worked = (Process.GetCurrentProcess().TotalProcessorTime - cpu).TotalSeconds;
    var kept = GC.GetTotalMemory(forceFullCollection: true) - before;
    GC.KeepAlive(read);
    var (mib, most) = (new FileInfo(file).Length >> 20, Process.GetCurrentProcess().PeakWorkingSet64 >> 20);
    Console.WriteLine(
        string.Create(
            CultureInfo.InvariantCulture,
            $"{form}: {mib} MiB, {boxes:N0} boxes in {images:N0} images, read in {seconds:0.0} s, {worked:0.0} s of processors"
        )
    );
    if (form == "objects365")
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{kept >> 20} MiB are kept, {most} MiB were the most"));
    else
        Console.WriteLine(string.Create(CultureInfo.InvariantCulture, $"{most} MiB were the most"));
}
finally
{
    Directory.Delete(folder, recursive: true);
}

static object OpenImages(string folder, string file)
{
    try
    {
        return new OpenImagesDetection(new(folder, file, Path.Combine(folder, "classes")) { OnMissingImage = BadData.Skip });
    }
    catch (Tessera.Framework.Errors.UserErrorException e)
    {
        return e; // no image is there: all rows are read and sorted before that is told
    }
}

static void WriteJson(string path, Random random, int images, int boxes)
{
    using var text = new StreamWriter(path, append: false, new UTF8Encoding(false), 1 << 16);
    text.Write("{\"images\": [");
    for (var i = 1; i <= images; i++)
        text.Write(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{(i > 1 ? ", " : "")}{{\"height\": 512, \"id\": {i}, \"license\": 5, \"width\": 769, \"file_name\": \"images/v1/patch{i % 51}/objects365_v1_{i:D8}.jpg\", \"url\": \"\"}}"
            )
        );
    text.Write("], \"annotations\": [");
    for (var i = 1; i <= boxes; i++)
    {
        var (x, y) = (random.NextDouble() * 600, random.NextDouble() * 400);
        var (width, height) = (1 + (random.NextDouble() * (768 - x)), 1 + (random.NextDouble() * (511 - y)));
        text.Write(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{(i > 1 ? ", " : "")}{{\"id\": {i}, \"iscrowd\": 0, \"isfake\": 0, \"area\": {width * height}, \"isreflected\": 0, \"bbox\": [{x}, {y}, {width}, {height}], \"image_id\": {1 + random.Next(images)}, \"category_id\": {1 + random.Next(365)}}}"
            )
        );
    }
    text.Write("], \"categories\": [");
    for (var i = 1; i <= 365; i++)
        text.Write($"{(i > 1 ? ", " : "")}{{\"name\": \"class {i}\", \"id\": {i}}}");
    text.Write("]}");
}

static void WriteTables(string folder, string path, Random random, int images, int boxes)
{
    using (var classes = new StreamWriter(Path.Combine(folder, "classes")))
        for (var i = 0; i < 601; i++)
            classes.WriteLine($"/m/{i:x5},Class {i}");
    using var text = new StreamWriter(path, append: false, new UTF8Encoding(false), 1 << 16);
    text.WriteLine("ImageID,Source,LabelName,Confidence,XMin,XMax,YMin,YMax,IsOccluded,IsTruncated,IsGroupOf,IsDepiction,IsInside");
    for (var i = 0; i < boxes; i++)
    {
        var (x, y) = (random.NextDouble() / 2, random.NextDouble() / 2);
        text.WriteLine(
            string.Create(
                CultureInfo.InvariantCulture,
                $"{(i / 15 % images) + 0x123456789:x16},xclick,/m/{random.Next(601):x5},1,{x:0.000000},{x + 0.3:0.000000},{y:0.000000},{y + 0.4:0.000000},0,1,0,0,0"
            )
        );
    }
}
