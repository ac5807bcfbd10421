"""One self-contained HTML file with the scores, images and maps of runs, for a browser without a server."""
